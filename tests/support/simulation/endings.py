"""Ends of programmes, judged by what the encoders truly did."""

from __future__ import annotations

from dataclasses import replace

from support.simulation.encoder import Life
from support.simulation.plan import Plan
from support.simulation.violation import require
from support.simulation.wishes import Wishes
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import PlaylistArrived, SegmentArrived
from understudy_domain.policy import PolicyKind
from understudy_domain.reason import Reason
from understudy_domain.ticks import TICKS_PER_SECOND

SILENT_TARGET_DURATIONS = 3


def judge_end(plan: Plan, wishes: Wishes, before: ProgramEntry | None, entry: ProgramEntry) -> None:
    """Judge an entry that says that the programme has ended with the one ``before``.

    Where redundancy is off, one input alone counts, once it is followed.

    Raises:
        Violation: it has not, or this was said already, or it says anything else besides.
    """
    told = f"end with {entry.media_sequence}"
    require(before is not None and not before.ended, "end", f"{told}, without a slot before")
    assert before is not None
    same = replace(
        entry, ended=False, reason=before.reason, step=before.step, evidence=before.evidence, as_of=before.as_of
    )
    require(same == before, "end", f"{told} is not the last entry, said again")
    require(entry.reason is Reason.END, "end", f"{told} for the reason {entry.reason}")
    now = entry.as_of.instant
    policy = wishes.policies_at(now)
    is_alone = policy.kind is PolicyKind.OFF and entry.active_input == policy.input_id
    counted = {policy.input_id} if is_alone else {1, 2}
    # What comes in the very same moment may stand behind it in the log: then it makes the programme live again.
    newest = max(one.arrived_at for one in plan.register.values() if one.arrived_at < now and one.input_id in counted)
    silent = now - newest
    require(silent >= _silence(entry), "end", f"{told} while an input delivers: {silent / TICKS_PER_SECOND} s ago")
    lives = [life for input_id in counted if (life := _life(plan, input_id, now)) is not None]
    require(any(life.ends for life in lives), "end", f"{told}, and all encoders have crashed")


def judge_last(plan: Plan, log: list[ProgramEntry], *, name: str) -> None:
    """Judge how a finished run ended: where all that began have ended orderly, so has the programme, and in time.

    Raises:
        Violation: it goes on, or it took too long.
    """
    lives = [encoder.lives[-1] for encoder in plan.encoders if encoder.lives]
    if not log or not lives or not all(life.ends for life in lives):
        return
    require(log[-1].ended, "end", f"{name} goes on for ever")
    heard = max(message.instant for message in plan.messages if _is_heard(message.fact))
    bound = max(heard + _silence(log[-1]), log[-2].as_of.instant)
    late = (log[-1].as_of.instant - bound) / TICKS_PER_SECOND
    require(late <= 0, "end", f"{name} ended {late} s too late")


def _silence(entry: ProgramEntry) -> int:
    return SILENT_TARGET_DURATIONS * entry.target_duration_seconds * TICKS_PER_SECOND


def _is_heard(fact: object) -> bool:
    return isinstance(fact, SegmentArrived) or (isinstance(fact, PlaylistArrived) and fact.ended)


def _life(plan: Plan, input_id: int, now: int) -> Life | None:
    """The life of an input's encoder that delivered last."""
    begun = [one.life for one in plan.register.values() if one.input_id == input_id and one.arrived_at <= now]
    return plan.encoders[input_id - 1].lives[max(begun)] if begun else None
