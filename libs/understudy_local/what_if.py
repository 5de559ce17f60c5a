"""``understudy what-if``: what an origin endpoint would have done with the recent arrivals under other numbers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from understudy_domain import ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import EndpointConfigured
from understudy_domain.policy import Policy, PolicyKind
from understudy_domain.replay import LoggedFact
from understudy_domain.what_if import CannotReplay, Course, WhatIf, what_if
from understudy_domain.words import counted
from understudy_local.data_directory import DataDirectory
from understudy_local.errors import NothingToReplay, NothingToTry
from understudy_local.explain import programme_of
from understudy_local.export_file import read_export
from understudy_local.stack_log import StackLog, found, with_stack


@dataclass(frozen=True, slots=True)
class Numbers:
    """What is to be tried; None leaves it as it is."""

    segment_seconds: float | None = None
    delay_seconds: float | None = None
    policy: PolicyKind | None = None
    input_id: int | None = None
    """What is preferred or pinned."""
    hold_down_seconds: float | None = None

    def require_some(self) -> None:
        """See that there is something to try.

        Raises:
            NothingToTry: there is not.
        """
        if self == Numbers():
            raise NothingToTry(
                "nothing is to be tried: name --segment-duration, --time-delay, --policy, --input or --hold-down."
            )

    def policy_beside(self, present: EndpointConfigured) -> Policy:
        """The policy to try on an endpoint that has another.

        Raises:
            NothingToTry: it contradicts itself.
        """
        kind = self.policy or present.policy
        input_id = present.policy_input if self.input_id is None and kind is present.policy else self.input_id
        if input_id is None and kind in (PolicyKind.PREFERRED, PolicyKind.PINNED):
            raise NothingToTry(f"the policy {kind} is about one input: say which with --input.")
        if self.input_id is not None and kind is PolicyKind.STICKY:
            raise NothingToTry("the policy sticky is about no input: try --policy preferred or pinned with --input.")
        if input_id == 2 and kind is PolicyKind.OFF:
            raise NothingToTry("the policy off has input 1 and no other.")
        if self.hold_down_seconds is not None and kind is not PolicyKind.PREFERRED:
            raise NothingToTry(f"the policy {kind} has no hold-down: try --policy preferred with --hold-down.")
        hold_down = present.hold_down if self.hold_down_seconds is None else ticks.from_seconds(self.hold_down_seconds)
        return Policy(kind, input_id or 1, hold_down)


def what_if_running(directory: DataDirectory, *, endpoint_id: str, numbers: Numbers) -> WhatIf:
    """Replay what ARRIVALS holds on the stack that runs on ``directory``.

    Raises:
        StackNotRunning: none does.
        NoSuchResource: there is no such origin endpoint.
        LogsUnreadable: its NATS server gives no answer.
        NothingToReplay: ARRIVALS holds too little.
        NothingToTry: there are no numbers, or they contradict each other.
    """
    numbers.require_some()

    async def read(stack: StackLog) -> tuple[OriginEndpoint, list[ProgramEntry], list[LoggedFact]]:
        endpoint = stack.origin_endpoint(endpoint_id)
        log = stack.log_of(endpoint.channel_guid)
        arrivals = await log.arrivals()
        begin = arrivals[0].instant if arrivals else None
        return endpoint, await log.entries(endpoint.guid, begin=begin), arrivals

    endpoint, entries, arrivals = with_stack(directory, read)
    return _what_if(endpoint, entries, arrivals, numbers)


def what_if_file(path: Path, *, endpoint_id: str, numbers: Numbers) -> WhatIf:
    """The same from an export.

    Raises:
        ExportUnusable: the file is none.
        NoSuchResource: it holds no such origin endpoint.
        NothingToReplay: its arrivals are too few.
        NothingToTry: there are no numbers, or they contradict each other.
    """
    numbers.require_some()
    export = read_export(path)
    endpoint = found(list(export.origin_endpoints), "origin endpoint", endpoint_id)
    return _what_if(endpoint, export.entries(endpoint.guid), export.log(), numbers)


def _what_if(
    endpoint: OriginEndpoint, entries: Sequence[ProgramEntry], log: Sequence[LoggedFact], numbers: Numbers
) -> WhatIf:
    programme = programme_of(endpoint, entries)
    present = programme.configured
    segment_seconds, delay_seconds = numbers.segment_seconds, numbers.delay_seconds
    try:
        return what_if(
            programme,
            log,
            segment_duration=present.segment_duration
            if segment_seconds is None
            else ticks.from_seconds(segment_seconds),
            time_delay=present.time_delay if delay_seconds is None else ticks.from_seconds(delay_seconds),
            policy=numbers.policy_beside(present),
        )
    except CannotReplay as err:
        raise NothingToReplay(str(err)) from err


def as_text(found_out: WhatIf) -> str:
    """For people."""
    return "\n".join(
        [
            f"{found_out.origin_endpoint}, arrivals from {found_out.begin} to {found_out.end}",
            found_out.begins_with,
            *_orders(found_out),
            "",
            *_course("was", found_out.was),
            "",
            *_course("would have been", found_out.would_be),
        ]
    )


def _orders(found_out: WhatIf) -> list[str]:
    if not found_out.orders:
        return []
    given = (
        "One order to switch over was" if found_out.orders == 1 else f"{found_out.orders} orders to switch over were"
    )
    return [f"{given} given in that time, and replayed with everything else."]


def _policy(course: Course) -> str:
    match course.policy:
        case PolicyKind.PREFERRED:
            return f"input {course.policy_input} preferred, {course.hold_down_seconds:g} s hold-down"
        case PolicyKind.PINNED:
            return f"pinned to input {course.policy_input}"
        case PolicyKind.OFF:
            return "redundancy off"
        case _:
            return "sticky"


def _course(title: str, course: Course) -> list[str]:
    numbers = (
        f"{course.segment_duration_seconds:g} s segments, {course.time_delay_seconds:g} s delay, {_policy(course)}"
    )
    counts = ", ".join(
        [
            counted(course.slots, "slot"),
            f"{course.switches} switches" if course.switches != 1 else "1 switch",
            counted(course.repairs, "repair"),
            f"{course.partial} in part",
            counted(course.gaps, "gap"),
            f"{course.discontinuities} discontinuities" if course.discontinuities != 1 else "1 discontinuity",
        ]
    )
    events = [f"  {event.decided_at[11:-1]}  {event.sentence}" for event in course.events]
    return [f"{title} ({numbers}): {counts}", *events]
