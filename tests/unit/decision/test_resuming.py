"""What a successor goes on from, and what is remembered for how long: a log of any length has a state of one size."""

from __future__ import annotations

from dataclasses import replace

from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, endpoint_guid
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import PlaylistArrived, SegmentArrived, Tick
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_domain.ticks import from_seconds


def restored(fold: ChannelFold, *standing: ProgramEntry) -> ChannelFold:
    """A successor on a snapshot that was taken now."""
    state = codec.decode_as(ChannelState, codec.encode(fold.state))
    return ChannelFold(state, standing={entry.origin_endpoint: entry for entry in standing})


def test_a_successor_goes_on_by_timers_alone_where_a_timer_made_the_last_entry() -> None:
    """Input 1 is six seconds behind; both stop, and with the last message long read it is left for what input 2 has."""
    one, two = SyntheticEncoder(1, lag_seconds=6.3).messages(range(18)), SyntheticEncoder(2).messages(range(10, 21))
    run = Broadcast([configured("e", seconds=2), *one, *two]).run()
    before = restored(run.fold, run.of("e")[-1])
    rest = run.fold.pass_time(EPOCH + from_seconds(100))
    assert [entry.reason for entry in rest] == [Reason.FAILOVER, Reason.KEEP, Reason.KEEP]
    for count in range(len(rest)):
        successor = restored(before, *[run.of("e")[-1], *rest][count : count + 1])
        assert successor.resume() == []
        made = successor.pass_time(EPOCH + from_seconds(100))
        assert [codec.encode(entry) for entry in made] == [codec.encode(entry) for entry in rest[count:]]


def test_a_tick_changes_nothing_that_a_snapshot_would_not_know() -> None:
    """A timer fires after everything stamped at its instant: a successor on a snapshot from then must wait as well."""
    one, two = SyntheticEncoder(1, lost=set(range(20, 40))), SyntheticEncoder(2)
    early = [message for message in one.messages(range(40)) + two.messages(range(40)) if message.instant < EPOCH + 3e6]
    fold = Broadcast([configured("e", seconds=2), *early]).run().fold
    wake_at = fold.wake_at
    assert wake_at is not None
    assert fold.apply(Tick(), input_id=None, instant=wake_at, sequence=0) == []
    assert fold.pass_time(wake_at) == []
    last = fold.state.endpoints[0].last
    assert last is not None
    successor = restored(fold, last)
    assert successor.resume() == []
    assert successor.wake_at == wake_at


def test_a_slot_that_was_passed_over_stays_so_for_a_successor() -> None:
    """Five slots are lost to both, the next has begun: a piece of the lost ones that comes now is too late for all."""
    lost = set(range(20, 25))
    long_ago = set(range(25, 40))
    one = SyntheticEncoder(1, lost=lost | long_ago)
    two = SyntheticEncoder(2, lost=lost | {25}, playlists=("channel_1.m3u8",))
    run = Broadcast([configured("e", seconds=6), *one.messages(range(40)), *two.messages(range(27))]).run(
        until_seconds=59.0
    )
    assert run.fold.state.endpoints[0].passed is not None
    successor = restored(run.fold, run.of("e")[-1])
    assert successor.resume() == []
    assert successor.state.endpoints[0].passed == run.fold.state.endpoints[0].passed
    assert codec.encode(successor.state) == codec.encode(run.fold.state)


def named(message: Message, stamp: str) -> Message:
    """The same fact under names that never come again: playlists and segments of ``strftime`` or random names."""
    fact = message.fact
    if isinstance(fact, SegmentArrived):
        fact = replace(fact, path=f"{stamp}_{fact.path}")
    elif isinstance(fact, PlaylistArrived):
        lines = tuple(replace(line, path=f"{stamp}_{line.path}") for line in fact.lines)
        fact = replace(fact, lines=lines)
    return replace(message, fact=fact)


def test_names_that_never_come_again_are_forgotten() -> None:
    messages: list[Message] = [configured("e", seconds=2)]
    for number in range(200):
        stamp = chr(97 + number % 26) + chr(97 + number // 26 % 26)
        messages += [named(message, stamp) for message in SyntheticEncoder(1).messages([number])]
    run = Broadcast(messages).run()
    assert len(run.fold.state.input(1).sources.forms) <= 128
    assert len(run.of("e")) >= 196


def test_playlists_that_are_never_renewed_are_forgotten() -> None:
    messages: list[Message] = [configured("e", seconds=2)]
    for number in range(200):
        messages += SyntheticEncoder(1, playlists=(f"life_{number}.m3u8",)).messages([number])
    state = Broadcast(messages).run().fold.state.input(1)
    for remembered in (state.sources.lines, state.firsts, state.pieces):
        assert len(remembered) <= 64
    assert all(len(session.all_recent) <= 64 * 24 for session in state.sessions)


def test_a_channel_without_an_endpoint_remembers_a_minute() -> None:
    playlists = tuple(f"v{number}.m3u8" for number in range(4))
    messages = SyntheticEncoder(1, playlists=playlists).messages(range(300))
    run = Broadcast(messages).run()
    assert max(len(pieces) for pieces in run.fold.state.input(1).pieces.values()) <= 60 / 2 + 8
    late = run.fold.apply(
        configured("e", seconds=6).fact, input_id=None, instant=EPOCH + from_seconds(601), sequence=9999
    )
    assert 5 <= len(late) <= 12
    assert {entry.origin_endpoint for entry in late} == {endpoint_guid("e")}
