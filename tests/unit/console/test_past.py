"""What a page scrolls back to: read from the logs in mid-life, as JetStream hands them out from an instant on."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any, cast

import pytest

from support.synthetic import CHANNEL, EPOCH, Broadcast, SyntheticEncoder, configured, endpoint_guid
from understudy_controller.console import past
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec, keys
from understudy_domain.channel import Channel, HlsPackage, OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage

ENDPOINT = OriginEndpoint("two", endpoint_guid("two"), "news", CHANNEL, EPOCH, HlsPackage(segment_duration_seconds=2))
NEWS = Channel("news", CHANNEL, (), EPOCH)


@dataclass
class Log:
    """The two logs of a broadcast, from what of ARRIVALS is kept on."""

    run: Broadcast
    kept_from: int = 0

    def __call__(self, *_: object, **__: object) -> Log:
        return self

    async def entries_around(self, _guid: str, instant: int) -> list[ProgramEntry]:
        return [one for one in self.run.of("two") if abs(one.as_of.instant - instant) < 300 * TICKS_PER_SECOND]

    async def program_messages(self, _guid: str, *, begin: int, end: int) -> list[StoredMessage]:
        entries = [one for one in self.run.of("two") if begin <= one.as_of.instant <= end]
        return [StoredMessage("", one.media_sequence, one.as_of.instant, codec.encode(one), 0) for one in entries]

    async def arrivals_messages(self, *, begin: int | None, end: int) -> list[StoredMessage]:
        first = max(begin or 0, self.kept_from)
        numbered = enumerate(sorted(self.run.messages, key=lambda one: one.instant), start=1)
        return [
            StoredMessage(_subject(one.input_id), number, one.instant, codec.encode(one.fact), 0)
            for number, one in numbered
            if first <= one.instant <= end
        ]


def _subject(input_id: int | None) -> str:
    return keys.command_subject(0, CHANNEL) if input_id is None else keys.arrivals_subject(0, CHANNEL, input_id)


def recalled(monkeypatch: pytest.MonkeyPatch, log: Log, begin: float, end: float) -> dict[str, Any]:
    """What a page is answered, of so many seconds of the broadcast."""
    monkeypatch.setattr(past, "ChannelLog", log)

    async def ask() -> dict[str, Any]:
        reader = past.Past(ControllerSettings(), cast(Bus, None), replaying=asyncio.Lock())
        instants = (EPOCH + from_seconds(one) for one in (begin, end))
        return await reader.stretch(NEWS, [ENDPOINT], begin=next(instants), end=next(instants))

    return asyncio.run(ask())


def delivered(answer: dict[str, Any], input_id: int) -> int:
    return sum(1 for mark in answer["marks"] if mark.get("input") == input_id)


def broadcast(*encoders: SyntheticEncoder) -> Broadcast:
    messages = [configured("two", seconds=2)]
    for encoder in encoders:
        messages += encoder.messages(range(300))
    return Broadcast(messages).run()


UNEVEN = {number: number % 7 / 1000 for number in range(300)}
"""Seconds: arrivals are never just a round time apart, so that none stands where a replay begins."""
DIES = SyntheticEncoder(1, lost=set(range(60, 300)), late=UNEVEN)


def test_a_channel_in_mid_life_shows_what_its_inputs_delivered(monkeypatch: pytest.MonkeyPatch) -> None:
    """From an instant on, a log hands out nothing before it."""
    log = Log(broadcast(SyntheticEncoder(1, late=UNEVEN), SyntheticEncoder(2, late=UNEVEN)))
    answer = recalled(monkeypatch, log, 300, 400)
    assert [delivered(answer, one) for one in (1, 2)] == pytest.approx([50, 50], abs=1)
    assert answer["inputs"] is None


def test_the_input_that_lives_is_shown_where_the_other_one_is_dead(monkeypatch: pytest.MonkeyPatch) -> None:
    log = Log(broadcast(DIES, SyntheticEncoder(2, lag_seconds=0.5, late=UNEVEN)))
    answer = recalled(monkeypatch, log, 300, 400)
    assert [delivered(answer, one) for one in (1, 2)] == pytest.approx([0, 50], abs=1)
    before_and_after = recalled(monkeypatch, log, 100, 300)
    assert delivered(before_and_after, 1) == pytest.approx(10, abs=1)
    assert delivered(before_and_after, 2) == pytest.approx(100, abs=1)


def test_what_is_kept_no_more_is_said_to_be_so(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blank would be: it delivered nothing."""
    log = Log(broadcast(SyntheticEncoder(1), SyntheticEncoder(2)), kept_from=EPOCH + from_seconds(290))
    answer = recalled(monkeypatch, log, 300, 400)
    assert [delivered(answer, one) for one in (1, 2)] == [0, 0]
    assert any("endpoint" in mark for mark in answer["marks"])
    assert "not kept" in answer["inputs"]
