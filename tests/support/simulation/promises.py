"""What a whole run owes: nothing missing, nobody left without need, nobody kept waiting, and on it goes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations, pairwise

from support.simulation.encoder import NEVER, Delivery
from support.simulation.endings import judge_last
from support.simulation.oracle import DEAD_AFTER_SEGMENTS, SLACK, Oracle, pieces_until_lost
from support.simulation.plan import SOUND_AT_LAST, Plan
from support.simulation.violation import require
from support.simulation.wishes import judge_end
from support.synthetic import EPOCH
from understudy_domain.entry import ProgramEntry
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND, from_seconds


def judge_run(plan: Plan, oracles: Mapping[str, Oracle]) -> None:
    """Judge a finished run.

    Raises:
        Violation: a promise about the whole was not kept.
    """
    for oracle in oracles.values():
        _goes_on(plan, oracle)
        judge_last(plan, oracle.log, name=oracle.endpoint.name)
        if plan.joinable and plan.is_plain(oracle.endpoint):
            _loses_nothing_owed(plan, oracle)
        if plan.joinable and not oracle.endpoint.changes:
            _follows_what_is_wanted(plan, oracle)
        if plan.kind == "one" and plan.is_plain(oracle.endpoint):
            _costs_no_more_than_a_wait(plan, oracle)
    if plan.kind == "one":
        plain = [oracle for oracle in oracles.values() if plan.is_plain(oracle.endpoint)]
        for one, other in combinations(plain, 2):
            _more_patience_stays_longer(plan, one, other)
            _more_patience_stays_longer(plan, other, one)


def _follows_what_is_wanted(plan: Plan, oracle: Oracle) -> None:
    """Policies come true: the last faults are over, and the wanted input is not too far behind."""
    wishes = plan.wishes[oracle.endpoint.guid]
    wanted = wishes.policy.input_id
    slot_duration = oracle.endpoint.slot_duration(plan.segment_duration)
    behind = plan.lag(wanted) - plan.lag(3 - wanted)
    reachable = behind < max(slot_duration // 2, TICKS_PER_SECOND) - from_seconds(0.5) - plan.jitter
    encoder = plan.encoders[wanted - 1]
    sound = all(
        encoder.delivers(number, stem)
        for number in range(plan.segments - SOUND_AT_LAST, plan.segments)
        for stem in encoder.renditions
    )
    latest = max(
        (one.arrived_at for one in plan.register.values() if one.number < plan.segments - SOUND_AT_LAST),
        default=plan.end,
    )
    well_since = max(latest, plan.end - (SOUND_AT_LAST - 1) * plan.segment_duration) + plan.lag(wanted)
    judge_end(wishes, oracle.entries, well_since=well_since, reachable=reachable and sound)


def contents(oracle: Oracle) -> dict[str, list[Delivery]]:
    """By rendition, every piece shown."""
    shown: dict[str, list[Delivery]] = {}
    for entry in oracle.entries:
        for rendition in entry.renditions:
            shown.setdefault(rendition.rendition, []).extend(oracle.pieces(rendition))
    return shown


def _goes_on(plan: Plan, oracle: Oracle) -> None:
    """Once the faults are over, the programme reaches the end of the broadcast; with redundancy off nobody says so."""
    if plan.wishes[oracle.endpoint.guid].policy.kind is PolicyKind.OFF:
        return
    if not any(encoder.lives for encoder in plan.encoders):
        return
    if not oracle.entries:
        longest = max([oracle.endpoint.seconds, *(seconds for _, seconds, _ in oracle.endpoint.changes)])
        sound = SOUND_AT_LAST * plan.segment_duration - 2 * (longest * TICKS_PER_SECOND + plan.segment_duration)
        require(sound <= 0, "liveness", f"{oracle.endpoint.name} shows nothing")
        return
    slot_duration = oracle.entries[-1].slot_duration
    reached = max(pieces[-1].end for pieces in contents(oracle).values() if pieces)
    # What nobody has sent is no programme, and the last slot waits for its rest where encoders crash in it.
    unseen = (one.begin for one in plan.register.values() if one.begin >= reached and not one.filler)
    left = plan.end - min(unseen, default=plan.end)
    require(left <= slot_duration + plan.longest, "liveness", f"{oracle.endpoint.name} lacks the last {left}")


def _loses_nothing_owed(plan: Plan, oracle: Oracle) -> None:
    """I8, and content once and in order."""
    name, tolerance = oracle.endpoint.name, oracle.endpoint.tolerance(plan.segment_duration)
    shown = contents(oracle)
    missing_at_all = False
    for rendition, pieces in shown.items():
        numbers = [piece.number for piece in pieces]
        require(numbers == sorted(set(numbers)), "content", f"{name} {rendition} shows {numbers}")
        last = max(run[-1].number for run in shown.values() if run)
        missing = [number for number in range(numbers[0], last + 1) if number not in set(numbers)]
        missing_at_all = missing_at_all or bool(missing)
        playlist, patience = oracle.stem_of(rendition), pieces_until_lost(2 * tolerance, plan.segment_duration)
        owed = [
            number
            for number in missing
            for one in (1, 2)
            if _owes(plan, one, number, tolerance) and not _was_given_up(plan, one, playlist, number, patience)
        ]
        require(not owed, "I8", f"{name} {rendition} lacks {owed}")
    if not missing_at_all:
        last_shown = max(entry.media_sequence for entry in oracle.entries if not entry.is_gap)
        unneeded = [
            entry.media_sequence
            for entry in oracle.entries
            if (entry.discontinuity or entry.is_gap) and entry.media_sequence <= last_shown
        ]
        require(not unneeded, "I8", f"{name}: discontinuity or gap at {unneeded}, nothing is missing")
        proven = [entry for entry in oracle.entries if oracle.could_prove_joinable(entry.as_of.instant)]
        partial = [entry.media_sequence for entry in proven if entry.reason is Reason.PARTIAL]
        parts = [sequence for sequence in partial if sequence < last_shown]
        require(not parts, "step 5", f"{name}: slots fall apart at {parts}, nothing is missing")


def _owes(plan: Plan, input_id: int, number: int, tolerance: int) -> bool:
    """Whether an input that was not dead delivered the content, in every rendition, by its due time + tolerance."""
    encoder = plan.encoders[input_id - 1]
    if not all(encoder.delivers(number, stem) for stem in encoder.renditions):
        return False
    mine = [one for one in plan.register.values() if one.input_id == input_id and one.number == number]
    told_after = max(one.known_at - one.arrived_at for one in mine)
    if encoder.late.get(number, 0) + told_after > tolerance - 2 * SLACK - plan.jitter:
        return False
    first = min(one.arrived_at for one in mine)
    arrivals = sorted({one.arrived_at for one in plan.register.values() if one.input_id == input_id})
    dead_after = DEAD_AFTER_SEGMENTS * plan.segment_duration + tolerance
    silences = [
        later - earlier for earlier, later in pairwise(arrivals) if later > mine[0].begin and later <= first
    ]  # while it was dead the slot may have been decided without it, though it came back in time
    return max(silences, default=0) < dead_after


def _was_given_up(plan: Plan, input_id: int, playlist: str, number: int, patience: int) -> bool:
    """Whether a content is the first of a rendition that the input had lacked for good: nobody waited for it."""
    encoder, before = plan.encoders[input_id - 1], number
    while before > 0 and not encoder.delivers(before - 1, playlist):
        before -= 1
    others = [stem for stem in encoder.renditions if stem != playlist]
    gone_on = max((sum(encoder.delivers(one, stem) for one in range(before, number + 1)) for stem in others), default=0)
    return gone_on >= min(patience, 8)


def _costs_no_more_than_a_wait(plan: Plan, oracle: Oracle) -> None:
    """I8 for one failing input, which is that nothing is missing of what the other one has; I11."""
    name, entries, healthy = oracle.endpoint.name, oracle.entries, 3 - (plan.failing or 0)
    delivered = oracle.arrived(healthy, NEVER - 1)
    for rendition, pieces in contents(oracle).items():
        numbers, playlist = [piece.number for piece in pieces], f"{oracle.stem_of(rendition)}.m3u8"
        missing = [number for number in range(numbers[0], numbers[-1]) if number not in numbers]
        lost = [number for number in missing if (playlist, number) in delivered]
        require(not lost, "I8", f"{name} {rendition} shows {numbers}")
    reasons = {entry.reason for entry in entries if _was_whole(plan, oracle, healthy, entry)}
    odd = reasons - {Reason.START, Reason.KEEP, Reason.REPAIR, Reason.FAILOVER}
    require(not odd, "I8", f"{name}: {odd} though one input was whole")
    for before, entry in pairwise(entries):
        if not _was_whole(plan, oracle, healthy, entry):
            continue
        left_healthy = before.active_input == healthy and entry.active_input != healthy
        require(not left_healthy, "I5", f"{name} leaves the healthy input at {entry.media_sequence}")
        if entry.as_of.instant > entries[0].as_of.instant + TICKS_PER_SECOND:
            _waits_no_longer(plan, oracle, before, entry)


def _was_whole(plan: Plan, oracle: Oracle, healthy: int, entry: ProgramEntry) -> bool:
    """Whether the healthy input has all of a slot: a rendition may begin there, or be known of it, later than here."""
    delivered = oracle.arrived(healthy, entry.as_of.instant)
    shown = {piece.number for rendition in entry.renditions for piece in oracle.pieces(rendition)}
    stems = plan.encoders[healthy - 1].renditions
    return all((f"{stem}.m3u8", number) in delivered for stem in stems for number in shown)


def _waits_no_longer(plan: Plan, oracle: Oracle, before: ProgramEntry, entry: ProgramEntry) -> None:
    """I11: how much later than usual the slot was to be seen."""
    tolerance = oracle.endpoint.tolerance(plan.segment_duration)
    delay = oracle.endpoint.delay_seconds * TICKS_PER_SECOND
    end = max(piece.end for rendition in entry.renditions for piece in oracle.pieces(rendition))
    slack = SLACK + 2 * plan.jitter
    seen = max(entry.as_of.instant, entry.available_at) - end - delay
    bound = max(tolerance, plan.skew)
    waited = seen - plan.lag(before.active_input)
    told = f"{oracle.endpoint.name} {entry.media_sequence}"
    require(waited <= bound + slack, "I11", f"{told} came {waited / TICKS_PER_SECOND} s later than usual")
    if delay >= bound + plan.skew:
        late = seen - max(plan.lag(1), plan.lag(2))
        require(late <= slack, "I11", f"{told} came {late / TICKS_PER_SECOND} s late in spite of the delay")


def _more_patience_stays_longer(plan: Plan, short: Oracle, long: Oracle) -> None:
    """I7."""
    durations = [one.endpoint.slot_duration(plan.segment_duration) for one in (short, long)]
    more = durations[1] % durations[0] == 0 and long.endpoint.delay_seconds >= short.endpoint.delay_seconds
    if not more or short.entries[0].active_input != long.entries[0].active_input:
        return
    left, left_later = _first_leaving(short), _first_leaving(long)
    told = f"{short.endpoint.name} left at {left}, {long.endpoint.name} at {left_later}"
    require(left_later is None or (left is not None and left <= left_later), "I7", told)


def _first_leaving(oracle: Oracle) -> float | None:
    """When what was the first input was left, as the end of the slot, seconds since the broadcast began."""
    found = next((entry.end for entry in oracle.entries if entry.reason is Reason.FAILOVER), None)
    return None if found is None else (found - EPOCH) / from_seconds(1)
