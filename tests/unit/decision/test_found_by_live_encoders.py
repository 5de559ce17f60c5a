"""What pairs of live encoders have shown of the core, told again in virtual time."""

from __future__ import annotations

from dataclasses import replace

import pytest

from support.synthetic import Broadcast, Message, SyntheticEncoder, configured
from understudy_domain.facts import SegmentArrived
from understudy_domain.media import TrackKind
from understudy_domain.reason import Reason


def with_silence(encoder: SyntheticEncoder, *, segments: int) -> list[Message]:
    """What an encoder sends whose playlist ``a0.m3u8`` is sound, and silent: the same bytes from anyone."""
    messages = []
    for message in encoder.messages(range(segments)):
        fact = message.fact
        if isinstance(fact, SegmentArrived) and fact.path.startswith("a0_"):
            (track,) = fact.probe.tracks
            sound = replace(track, kind=TrackKind.AUDIO, codec="mp4a.40.2", width=None, height=None, frame_rate=None)
            fact = replace(fact, probe=replace(fact.probe, tracks=(sound,), digest=f"silence {fact.path}"))
        messages.append(replace(message, fact=fact))
    return messages


@pytest.mark.parametrize("date_offset_seconds", [0.0, None])
def test_silence_in_both_inputs_does_not_prove_that_they_show_the_same(date_offset_seconds: float | None) -> None:
    # Two FFmpegs that were started 2.8 s apart, each with its timestamps from the start: every instant has the
    # timestamp that the other has for another one. The sound comes first in each round.
    one, two = (
        SyntheticEncoder(
            number,
            playlists=("a0.m3u8", "v0.m3u8"),
            content=f"pictures of encoder {number}",
            phase_seconds=phase,
            media_offset_seconds=10.0 - phase,
            date_offset_seconds=date_offset_seconds,
        )
        for number, phase in ((1, 0.0), (2, 2.8))
    )
    one.lost = set(range(20, 40))
    run = Broadcast([configured("e", seconds=2), *with_silence(one, segments=30), *with_silence(two, segments=30)])
    (failover,) = [entry for entry in run.run().of("e") if entry.reason is Reason.FAILOVER]
    assert failover.discontinuity
