"""The worked examples of docs/failover-rule.md, cell by cell, through the decision core in virtual time."""

from __future__ import annotations

import pytest

from support.synthetic import Broadcast, Message, SyntheticEncoder, configured
from support.worked_examples import COLUMNS, EXAMPLES, SEGMENT_SECONDS, SLOT_SEGMENTS, documented, outcome

SEGMENTS = 48


def outcomes(encoders: list[SyntheticEncoder]) -> dict[str, str]:
    """The outcome for each column of the page's table."""
    messages: list[Message] = [
        configured(column, seconds=seconds, delay_seconds=delay) for column, (seconds, delay) in COLUMNS.items()
    ]
    for encoder in encoders:
        messages += encoder.messages(range(SEGMENTS))
    run = Broadcast(messages).run(until_seconds=SEGMENTS * SEGMENT_SECONDS)
    return {column: outcome(run.of(column)) for column in COLUMNS}


@pytest.mark.parametrize("slots_before", [2, 4])
@pytest.mark.parametrize("fault", EXAMPLES)
def test_a_worked_example_is_what_the_decision_core_does_whenever_it_happens(fault: str, slots_before: int) -> None:
    last_of_a_slot = slots_before * SLOT_SEGMENTS - 1
    assert documented()[fault] == outcomes(EXAMPLES[fault](last_of_a_slot))


def test_every_worked_example_of_the_page_is_tried() -> None:
    assert list(documented()) == list(EXAMPLES)
