"""What the failover rule is shown, in seconds: two inputs in step, and a slot of 2 s of which nothing has come yet."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from understudy_domain.failover import InputView, SlotView
from understudy_domain.ticks import from_seconds

SLOT = 10
END = from_seconds(1000)
"""Where the slot ends by prediction; seconds in these tests count from here, so that due is at 0.3 s."""
LAG_SECONDS = 0.3
DEAD_AT_SECONDS = 5.0


def instant(seconds: float) -> int:
    """Seconds after the slot's end by prediction, as an instant."""
    return END + from_seconds(seconds)


def an_input(
    input_id: int, *, lag: float | None = LAG_SECONDS, dead_at: float = DEAD_AT_SECONDS, **changes: Any
) -> InputView:
    """An input that has delivered nothing of the slot yet, and is alive; ``lag`` and ``dead_at`` in seconds."""
    view = InputView(
        input_id=input_id,
        complete=False,
        completed_at=None,
        first_piece_at=None,
        first_piece_renditions=0,
        lag=None if lag is None else from_seconds(lag),
        dead_at=instant(dead_at),
        has_ended=False,
        is_overdue=False,
        next_slot=None,
    )
    return replace(view, **changes)


def complete(input_id: int, *, at: float = 0.3, **changes: Any) -> InputView:
    """An input that completed the slot, on time unless told otherwise."""
    return an_input(input_id, complete=True, completed_at=instant(at), first_piece_at=END, **changes)


def a_slot(
    active: InputView | None = None,
    other: InputView | None = None,
    *,
    seconds: float = 2,
    delay: float = 0,
    **more: Any,
) -> SlotView:
    """A slot of an endpoint that follows input 1."""
    return SlotView(
        slot=SLOT,
        end=END,
        slot_duration=from_seconds(seconds),
        time_delay=from_seconds(delay),
        active=active or an_input(1),
        other=other or an_input(2),
        **more,
    )
