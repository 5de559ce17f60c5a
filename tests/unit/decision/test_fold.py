"""The decision core in virtual time: the worked examples of the failover rule as far as keep, wait, fail over, hold."""

from __future__ import annotations

import pytest

from support.endings import slots_of
from support.synthetic import EPOCH, Broadcast, Message, SyntheticEncoder, configured, seconds_after
from understudy_domain import codec
from understudy_domain.channel_state import ChannelState
from understudy_domain.entry import ProgramEntry
from understudy_domain.fold import ChannelFold
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds

ENDPOINTS = [
    configured("two", seconds=2),
    configured("six", seconds=6),
    configured("twelve", seconds=12),
    configured("two-delayed", seconds=2, delay_seconds=10),
    configured("six-delayed", seconds=6, delay_seconds=10),
]
NAMES = ["two", "six", "twelve", "two-delayed", "six-delayed"]


def broadcast(*encoders: SyntheticEncoder, segments: int = 40, endpoints: list[Message] | None = None) -> Broadcast:
    """A pair of encoders and five endpoints, run to the end."""
    messages = list(endpoints if endpoints is not None else ENDPOINTS)
    for encoder in encoders:
        messages += encoder.messages(range(segments))
    return Broadcast(messages).run(until_seconds=segments * 2 + 30)


def content(entries: list[ProgramEntry]) -> list[int]:
    """The numbers of the segments in a programme, in order."""
    return [
        round((piece.timestamp - EPOCH) % 2**33 / TICKS_PER_SECOND / 2)
        for entry in entries
        for piece in entry.renditions[0].pieces
    ]


def reasons(entries: list[ProgramEntry]) -> list[Reason]:
    """Every reason but keep, in order."""
    return [entry.reason for entry in entries if entry.reason is not Reason.KEEP]


def assert_well_formed(entries: list[ProgramEntry]) -> None:
    """What holds of every programme."""
    assert [entry.media_sequence for entry in entries] == list(range(len(entries)))
    discontinuities = 0
    for entry in entries:
        assert entry.discontinuity_sequence == discontinuities
        discontinuities += entry.discontinuity
    available = [entry.available_at for entry in entries]
    assert available == sorted(available)


def test_a_programme_begins_with_the_number_that_its_endpoint_came_with() -> None:
    endpoints = [
        configured("new", seconds=2),
        configured("pinned", seconds=2, first_media_sequence=1_800_000_000),
        configured("pinned", seconds=2, revision=2, at_seconds=20, first_media_sequence=1_900_000_000),
    ]
    run = broadcast(SyntheticEncoder(1), SyntheticEncoder(2), endpoints=endpoints)
    new, pinned = run.of("new"), run.of("pinned")
    numbers = [entry.media_sequence for entry in pinned]
    assert numbers == list(range(1_800_000_000, 1_800_000_000 + len(new)))
    assert [(entry.slot, entry.renditions, entry.available_at) for entry in pinned] == [
        (entry.slot, entry.renditions, entry.available_at) for entry in new
    ]


def test_a_successor_of_a_controller_that_had_not_begun_begins_with_the_same_number() -> None:
    def change_controllers(run: Broadcast, position: int) -> None:
        if position == 1:
            run.fold = ChannelFold(codec.decode_as(ChannelState, codec.encode(run.fold.state)))

    endpoint = configured("pinned", seconds=2, first_media_sequence=7)
    run = Broadcast([endpoint, *SyntheticEncoder(1).messages(range(10))]).run(interrupt=change_controllers)
    assert run.of("pinned")[0].media_sequence == 7


@pytest.mark.parametrize("name", NAMES)
def test_a_healthy_pair_is_published_whole_from_the_input_that_came_first(name: str) -> None:
    shown = broadcast(SyntheticEncoder(1), SyntheticEncoder(2, lag_seconds=0.5)).of(name)
    assert_well_formed(shown)
    assert reasons(shown) == [Reason.START]
    assert content(shown) == list(range(len(content(shown))))
    assert len(content(shown)) >= 36
    assert {entry.active_input for entry in shown} == {1}


@pytest.mark.parametrize("first", [1, 2])
@pytest.mark.parametrize("name", NAMES)
def test_a_channel_fed_on_one_url_alone_plays(first: int, name: str) -> None:
    shown = broadcast(SyntheticEncoder(first)).of(name)
    assert_well_formed(shown)
    assert reasons(shown) == [Reason.START]
    assert content(shown) == list(range(len(content(shown))))
    assert len(content(shown)) >= 36


@pytest.mark.parametrize(("name", "after_due"), [("two", 0.75), ("six", 2.75), ("twelve", 5.75)])
def test_an_input_that_stops_for_good_is_left_at_the_deadline(name: str, after_due: float) -> None:
    run = broadcast(SyntheticEncoder(1, lost=set(range(20, 40))), SyntheticEncoder(2))
    shown = run.of(name)
    assert_well_formed(shown)
    assert reasons(shown) == [Reason.START, Reason.FAILOVER]
    assert content(shown) == list(range(len(content(shown))))
    assert not any(entry.discontinuity for entry in shown)
    failover = next(entry for entry in shown if entry.reason is Reason.FAILOVER)
    end_seconds = (failover.end - EPOCH) / TICKS_PER_SECOND
    lag = failover.evidence.inputs[0].lag
    assert lag is not None
    assert seconds_after(failover, end_seconds + lag / TICKS_PER_SECOND) == pytest.approx(after_due, abs=0.02)


@pytest.mark.parametrize(("name", "after_due"), [("two", 3.0), ("six", 3.0), ("twelve", 5.75)])
def test_a_standby_that_is_three_seconds_behind_is_waited_for_without_a_gap(name: str, after_due: float) -> None:
    run = broadcast(SyntheticEncoder(1, lost=set(range(20, 60))), SyntheticEncoder(2, lag_seconds=3.3), segments=60)
    shown = run.of(name)
    assert_well_formed(shown)
    assert reasons(shown) == [Reason.START, Reason.FAILOVER]
    assert content(shown) == list(range(len(content(shown))))
    failover = next(entry for entry in shown if entry.reason is Reason.FAILOVER)
    lag = failover.evidence.inputs[0].lag
    assert lag is not None
    due = (failover.end + lag - EPOCH) / TICKS_PER_SECOND
    assert seconds_after(failover, due) == pytest.approx(after_due, abs=0.05)


@pytest.mark.parametrize("name", NAMES)
def test_a_segment_a_little_late_is_waited_for(name: str) -> None:
    shown = broadcast(SyntheticEncoder(1, late={20: 0.6}), SyntheticEncoder(2)).of(name)
    assert reasons(shown) == [Reason.START]


def test_four_seconds_late_moves_the_short_endpoint_and_not_the_long_one() -> None:
    late = {20: 4.0, 21: 2.0}
    run = broadcast(SyntheticEncoder(1, late=late), SyntheticEncoder(2))
    assert reasons(run.of("two")) == [Reason.START, Reason.FAILOVER]
    assert reasons(run.of("twelve")) == [Reason.START]
    assert reasons(run.of("two-delayed")) == [Reason.START]
    for name in NAMES:
        assert content(run.of(name)) == list(range(len(content(run.of(name)))))


@pytest.mark.parametrize("name", NAMES)
def test_both_late_by_ten_seconds_is_held_and_nothing_changes_over(name: str) -> None:
    late = {number: 10.0 - 2.0 * (number - 20) for number in range(20, 25)}
    shown = broadcast(SyntheticEncoder(1, late=late), SyntheticEncoder(2, late=late)).of(name)
    assert_well_formed(shown)
    assert reasons(shown) == [Reason.START]
    assert content(shown) == list(range(len(content(shown))))


@pytest.mark.parametrize("name", NAMES)
def test_an_input_that_comes_back_is_not_gone_back_to_and_takes_over_again_when_needed(name: str) -> None:
    encoder_1 = SyntheticEncoder(1, lost=set(range(15, 30)))
    encoder_2 = SyntheticEncoder(2, lost=set(range(45, 70)))
    shown = broadcast(encoder_1, encoder_2, segments=70).of(name)
    assert_well_formed(shown)
    assert reasons(shown) == [Reason.START, Reason.FAILOVER, Reason.FAILOVER]
    assert content(shown) == list(range(len(content(shown))))
    assert not any(entry.discontinuity for entry in shown)
    assert shown[-1].active_input == 1


@pytest.mark.parametrize("name", NAMES)
def test_a_clock_an_hour_off_moves_nothing(name: str) -> None:
    run = broadcast(SyntheticEncoder(1, date_offset_seconds=3600.0), SyntheticEncoder(2, lost={30, 31, 32, 33}))
    shown = run.of(name)
    assert reasons(shown) == [Reason.START]
    run = broadcast(SyntheticEncoder(1, date_offset_seconds=3600.0, lost=set(range(20, 40))), SyntheticEncoder(2))
    shown = run.of(name)
    assert reasons(shown) == [Reason.START, Reason.FAILOVER]
    assert content(shown) == list(range(len(content(shown))))
    assert not any(entry.discontinuity for entry in shown)
    assert abs(shown[0].program_date_time - EPOCH) < 10 * TICKS_PER_SECOND


def test_what_both_lose_becomes_a_gap_that_keeps_its_place_and_the_show_goes_on() -> None:
    run = broadcast(SyntheticEncoder(1, lost={20}), SyntheticEncoder(2, lost={20}))
    shown = run.of("two")
    assert_well_formed(shown)
    assert reasons(shown) == [Reason.START, Reason.GAP]
    assert [entry.is_gap for entry in shown].count(True) == 1
    assert not any(entry.discontinuity for entry in shown)
    assert content(shown) == [number for number in range(40) if number != 20][: len(content(shown))]
    shown = run.of("six")
    assert content(shown) == [number for number in range(40) if number != 20][: len(content(shown))]
    assert [entry.discontinuity for entry in shown].count(True) == 1


def test_a_long_loss_on_both_is_passed_over_with_one_discontinuity() -> None:
    lost = set(range(20, 30))
    shown = broadcast(SyntheticEncoder(1, lost=lost), SyntheticEncoder(2, lost=lost)).of("two")
    assert_well_formed(shown)
    assert not any(entry.is_gap for entry in shown)
    assert [entry.discontinuity for entry in shown].count(True) == 1
    assert content(shown) == [number for number in range(40) if number not in lost][: len(content(shown))]


def test_an_encoder_that_restarts_with_its_own_timestamps_goes_on_after_one_discontinuity() -> None:
    first = SyntheticEncoder(1, media_offset_seconds=1000.0)
    again = SyntheticEncoder(1, media_offset_seconds=5.0, content="restarted", phase_seconds=0.7)
    messages = [*ENDPOINTS, *first.messages(range(20)), *again.messages(range(24, 44))]
    shown = Broadcast(messages).run(until_seconds=120).of("two")
    assert_well_formed(shown)
    assert [entry.discontinuity for entry in shown].count(True) == 1
    assert len([piece for entry in shown for piece in entry.renditions[0].pieces]) >= 38


@pytest.mark.parametrize("name", NAMES)
def test_a_pair_in_step_starts_on_input_1_whichever_finishes_a_moment_earlier(name: str) -> None:
    shown = broadcast(SyntheticEncoder(1, lag_seconds=0.31), SyntheticEncoder(2, lag_seconds=0.30)).of(name)
    assert {entry.active_input for entry in shown} == {1}
    shown = broadcast(SyntheticEncoder(1, lag_seconds=1.9), SyntheticEncoder(2, lag_seconds=0.3)).of(name)
    assert {entry.active_input for entry in shown} == {2}


def test_an_encoder_that_restarts_on_the_same_recording_goes_on_although_it_sends_the_same_bytes_again() -> None:
    """Same names, same timestamps, same content as its first life, as a looped file or a slate gives."""
    first = SyntheticEncoder(1, date_offset_seconds=None)
    later = from_seconds(26.0)
    again = [Message(one.instant + later, one.input_id, one.fact) for one in first.messages(range(20))]
    shown = Broadcast([*ENDPOINTS, *first.messages(range(8)), *again]).run(until_seconds=120).of("two")
    assert_well_formed(shown)
    assert content(shown)[:8] == list(range(8))
    assert content(shown)[8:][:18] == list(range(18))
    assert [entry.discontinuity for entry in shown].count(True) == 1


def test_the_short_last_segment_of_a_programme_is_published() -> None:
    encoder = SyntheticEncoder(1, short={20: 0.5}, ended_after=20)
    for name, seconds in (("two", 2), ("six", 6)):
        shown = slots_of(Broadcast([*ENDPOINTS, *encoder.messages(range(21))]).run(until_seconds=80).of(name))
        assert content(shown) == list(range(21))
        assert shown[-1].reason is Reason.PARTIAL
        assert not shown[-1].is_gap
        assert shown[-1].renditions[0].duration == from_seconds(0.5 + (20 * 2) % seconds)


def test_unaligned_inputs_change_over_with_one_honest_discontinuity() -> None:
    other = SyntheticEncoder(2, media_offset_seconds=500.0, phase_seconds=0.7, content="other")
    run = broadcast(SyntheticEncoder(1, lost=set(range(20, 40))), other)
    for name in NAMES:
        shown = run.of(name)
        assert_well_formed(shown)
        assert reasons(shown) == [Reason.START, Reason.FAILOVER]
        assert [entry.discontinuity for entry in shown].count(True) == 1


def test_another_codec_configuration_is_a_discontinuity_although_timestamps_go_on() -> None:
    run = broadcast(SyntheticEncoder(1, lost=set(range(20, 40))), SyntheticEncoder(2, configuration="other sps"))
    assert [entry.discontinuity for entry in run.of("two")].count(True) == 1


def test_a_rendition_lost_for_good_moves_all_of_them_at_one_slot() -> None:
    playlists = ("v0.m3u8", "v1.m3u8", "v2.m3u8")
    one = SyntheticEncoder(1, playlists=playlists, lost_of_playlist={"v1.m3u8": set(range(20, 40))})
    run = broadcast(one, SyntheticEncoder(2, playlists=playlists))
    for name in NAMES:
        shown = run.of(name)
        assert reasons(shown) == [Reason.START, Reason.FAILOVER]
        for entry in shown:
            assert len(entry.renditions) == 3
            assert {piece.input_id for one_of in entry.renditions for piece in one_of.pieces} == {entry.active_input}


def test_timestamps_that_wrap_go_on() -> None:
    wrap = (2**33 - EPOCH % 2**33) / TICKS_PER_SECOND - 40.0
    run = broadcast(
        SyntheticEncoder(1, media_offset_seconds=wrap, lost=set(range(25, 40))),
        SyntheticEncoder(2, media_offset_seconds=wrap),
    )
    for name in NAMES:
        shown = run.of(name)
        assert reasons(shown) == [Reason.START, Reason.FAILOVER]
        assert not any(entry.discontinuity for entry in shown)


def test_duplicates_and_reordering_change_no_entry() -> None:
    plain = broadcast(SyntheticEncoder(1), SyntheticEncoder(2))
    encoder = SyntheticEncoder(1)
    messages = [*ENDPOINTS, *encoder.messages(range(40)), *SyntheticEncoder(2).messages(range(40))]
    again = [
        Message(message.instant + from_seconds(0.5), message.input_id, message.fact)
        for message in encoder.messages(range(40))
    ]
    doubled = Broadcast(messages + again).run(until_seconds=110)
    for name in NAMES:
        assert [entry.renditions for entry in doubled.of(name)] == [entry.renditions for entry in plain.of(name)]
    swapped = broadcast(SyntheticEncoder(1, late={20: 2.1, 10: 2.1}), SyntheticEncoder(2, lag_seconds=5.0))
    assert content(swapped.of("twelve")) == list(range(len(content(swapped.of("twelve")))))
    assert reasons(swapped.of("twelve")) == [Reason.START]


def test_a_successor_with_a_snapshot_and_the_last_entries_decides_the_same_to_the_byte() -> None:
    def messages() -> list[Message]:
        one = SyntheticEncoder(1, lost=set(range(20, 30)), late={12: 0.9, 35: 3.0})
        two = SyntheticEncoder(2, lag_seconds=0.8, lost=set(range(33, 40)))
        return [*ENDPOINTS, *one.messages(range(40)), *two.messages(range(40))]

    whole = Broadcast(messages()).run(until_seconds=110)
    ordered = sorted(messages(), key=lambda one: one.instant)
    for crash_at in range(1, len(ordered), 7):
        entries: dict[str, list[bytes]] = {}
        fold = ChannelFold(ChannelState("c" * 32))
        snapshot = codec.encode(fold.state)
        for sequence, message in enumerate(ordered, start=1):
            made = fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
            for entry in made:
                entries.setdefault(entry.origin_endpoint, []).append(codec.encode(entry))
            if sequence % 5 == 0 and sequence < crash_at:
                snapshot = codec.encode(fold.state)
            if sequence == crash_at:
                fold = _successor(snapshot, ordered[:crash_at], entries)
        for entry in fold.pass_time(EPOCH + from_seconds(110)):
            entries.setdefault(entry.origin_endpoint, []).append(codec.encode(entry))
        for guid, expected in whole.entries.items():
            assert entries[guid] == [codec.encode(entry) for entry in expected], crash_at


def _successor(snapshot: bytes, log: list[Message], entries: dict[str, list[bytes]]) -> ChannelFold:
    """A controller that starts from a snapshot, adopts what stands in PROGRAM, and reads the log again."""
    state = codec.decode_as(ChannelState, snapshot)
    standing = {guid: codec.decode_as(ProgramEntry, made[-1]) for guid, made in entries.items()}
    fold = ChannelFold(state, standing=standing)
    assert fold.resume() == []
    for sequence, message in enumerate(log, start=1):
        if sequence > state.sequence:
            fresh = fold.apply(message.fact, input_id=message.input_id, instant=message.instant, sequence=sequence)
            assert fresh == [], "a successor adopts, it does not decide again"
    return fold


@pytest.mark.compatibility("OriginEndpoint.hlsPackage.segmentDurationSeconds", "OriginEndpoint.timeDelaySeconds")
def test_a_changed_segment_duration_and_delay_apply_to_later_slots() -> None:
    messages = [
        configured("e", seconds=6),
        configured("e", seconds=2, delay_seconds=10, revision=2, at_seconds=31.0),
        *SyntheticEncoder(1).messages(range(40)),
    ]
    shown = Broadcast(messages).run(until_seconds=110).of("e")
    assert_well_formed(shown)
    assert content(shown) == list(range(len(content(shown))))
    assert {len(entry.renditions[0].pieces) for entry in shown} == {1, 3}
    assert len(shown[-1].renditions[0].pieces) == 1
    assert shown[-1].available_at >= shown[-1].end + from_seconds(10)


def test_a_longer_segment_duration_is_cut_to_the_target_duration_that_players_know() -> None:
    messages = [
        configured("e", seconds=4),
        configured("e", seconds=12, revision=2, at_seconds=31.0),
        *SyntheticEncoder(1).messages(range(40)),
    ]
    shown = Broadcast(messages).run(until_seconds=110).of("e")
    assert_well_formed(shown)
    assert content(shown) == list(range(len(content(shown))))
    assert {entry.target_duration_seconds for entry in shown} == {5}
    assert {len(entry.renditions[0].pieces) for entry in shown} == {2}


# --- repair and combine (steps 3 and 5) -------------------------------------------------------------------------------


def inputs_of(entry: ProgramEntry) -> list[int]:
    """Which input each piece came from."""
    return [piece.input_id for piece in entry.renditions[0].pieces]


def test_two_segments_lost_for_good_are_repaired_where_the_input_is_back_by_the_deadline() -> None:
    run = broadcast(SyntheticEncoder(1, lost={20, 21}), SyntheticEncoder(2))
    assert reasons(run.of("two")) == [Reason.START, Reason.FAILOVER]
    assert reasons(run.of("twelve")) == [Reason.START, Reason.REPAIR]
    assert reasons(run.of("six-delayed")) == [Reason.START, Reason.REPAIR, Reason.REPAIR]
    assert reasons(run.of("two-delayed")) == [Reason.START, Reason.REPAIR, Reason.REPAIR]
    for name in NAMES:
        shown = run.of(name)
        assert_well_formed(shown)
        assert content(shown) == list(range(len(content(shown))))
        assert not any(entry.discontinuity for entry in shown)
    repaired = next(entry for entry in run.of("twelve") if entry.reason is Reason.REPAIR)
    assert inputs_of(repaired) == [1, 1, 2, 2, 1, 1]
    assert repaired.step == 3
    assert {entry.active_input for entry in run.of("twelve")} == {1}


def test_with_a_delay_what_an_input_never_delivers_is_repaired_before_any_viewer_sees_it() -> None:
    run = broadcast(SyntheticEncoder(1, lost={20, 21}), SyntheticEncoder(2))
    for name in ("two-delayed", "six-delayed"):
        for entry in run.of(name):
            if entry.reason is Reason.REPAIR:
                assert entry.as_of.instant <= entry.available_at


def test_each_input_losing_another_segment_costs_nothing() -> None:
    run = broadcast(SyntheticEncoder(1, lost={20, 26}), SyntheticEncoder(2, lost={19, 22, 25}))
    for name in NAMES:
        shown = run.of(name)
        assert_well_formed(shown)
        assert content(shown) == list(range(len(content(shown))))
        assert not any(entry.discontinuity or entry.is_gap for entry in shown)


def test_a_slot_that_neither_has_whole_is_combined_when_the_active_input_does_not_go_on() -> None:
    shown = broadcast(
        SyntheticEncoder(1, lost={20, *range(21, 40)}), SyntheticEncoder(2, lost={19, *range(21, 40)})
    ).of("six")
    assert content(shown) == list(range(len(content(shown))))
    combined = shown[-1]
    assert combined.reason is Reason.COMBINE
    assert inputs_of(combined) == [1, 1, 2]


@pytest.mark.parametrize("change", [{"layout": "other tables"}, {"configuration": "other sps"}, {"layout": ""}])
def test_inputs_that_are_not_joinable_are_never_mixed_within_a_slot(change: dict[str, str]) -> None:
    other = SyntheticEncoder(2, **change)  # type: ignore[arg-type]
    run = broadcast(SyntheticEncoder(1, lost={20, 21}), other)
    for name in NAMES:
        assert Reason.REPAIR not in reasons(run.of(name))
        for entry in run.of(name):
            assert len(set(inputs_of(entry))) <= 1


def test_a_borrowed_piece_is_borrowed_in_every_rendition() -> None:
    playlists = ("v0.m3u8", "v1.m3u8", "v2.m3u8")
    one = SyntheticEncoder(1, playlists=playlists, lost_of_playlist={"v1.m3u8": {20}})
    run = broadcast(one, SyntheticEncoder(2, playlists=playlists))
    repaired = next(entry for entry in run.of("twelve") if entry.reason is Reason.REPAIR)
    histories = {tuple(piece.input_id for piece in rendition.pieces) for rendition in repaired.renditions}
    assert histories == {(1, 1, 2, 1, 1, 1)}


def test_an_encoder_that_renames_its_playlists_without_a_restart_is_followed() -> None:
    """Timestamps go on, so nothing but the names says that these are the same renditions."""
    before, after = (tuple(f"{name}_{number}.m3u8" for number in range(2)) for name in ("one", "two"))
    encoder, renamed = SyntheticEncoder(1, playlists=before), SyntheticEncoder(1, playlists=after)
    shown = Broadcast([*ENDPOINTS, *encoder.messages(range(20)), *renamed.messages(range(20, 60))]).run().of("two")
    assert_well_formed(shown)
    assert [entry.is_gap for entry in shown].count(True) <= 4
    assert content(shown)[-30:] == list(range(content(shown)[-1] - 29, content(shown)[-1] + 1))
    assert len(shown) >= 58


@pytest.mark.parametrize("off_seconds", [1.5, 3.0, 9.0])
def test_a_clock_a_little_off_is_overruled_by_common_content(off_seconds: float) -> None:
    """Believable dates that disagree, a skew that arrival would take for a place, and the same bytes at equal times."""
    first = SyntheticEncoder(1, date_offset_seconds=off_seconds, lag_seconds=1.1, lost=set(range(20, 40)))
    run = broadcast(first, SyntheticEncoder(2))
    for name in NAMES:
        shown = run.of(name)
        assert reasons(shown)[0] is Reason.START
        assert content(shown) == list(range(len(content(shown))))
        assert not any(entry.discontinuity for entry in shown)


@pytest.mark.parametrize("partner", [None, 1.0])
def test_a_restart_on_the_same_recording_is_no_return_to_the_past_with_dates_either(partner: float | None) -> None:
    """Its own earlier content proves nothing, whether another input gives a reason to wait or not."""
    first, again = SyntheticEncoder(1), SyntheticEncoder(1, date_offset_seconds=26.0)
    later = [Message(one.instant + from_seconds(26.0), 1, one.fact) for one in again.messages(range(20))]
    messages = [*ENDPOINTS, *first.messages(range(8)), *later]
    if partner is not None:
        other = SyntheticEncoder(2, media_offset_seconds=700.0, content="other", lag_seconds=partner)
        messages += other.messages(range(13))
    shown = Broadcast(messages).run(until_seconds=120).of("two")
    assert_well_formed(shown)
    assert sum(piece.input_id == 1 for entry in shown for piece in entry.renditions[0].pieces) >= 24
