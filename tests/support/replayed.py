"""A broadcast as explanations read it: its log, and the programme of one of its endpoints."""

from __future__ import annotations

from support.synthetic import Broadcast, endpoint_guid
from understudy_domain import codec
from understudy_domain.facts import EndpointConfigured, Tick
from understudy_domain.replay import LoggedFact
from understudy_domain.slot_replay import Programme
from understudy_domain.ticks import TICKS_PER_SECOND


def logged(run: Broadcast, *, tick_seconds: int = 30) -> list[LoggedFact]:
    """The broadcast's messages, numbered as it numbered them, and a tick behind the last."""
    found = [
        LoggedFact(sequence, message.instant, message.input_id, message.fact)
        for sequence, message in enumerate(sorted(run.messages, key=lambda one: one.instant), start=1)
    ]
    last = found[-1]
    return [*found, LoggedFact(last.sequence + 1, last.instant + tick_seconds * TICKS_PER_SECOND, None, Tick())]


def programme(run: Broadcast, name: str) -> Programme:
    """What stands of an endpoint."""
    guid = endpoint_guid(name)
    facts = [message.fact for message in sorted(run.messages, key=lambda one: one.instant)]
    policies = [fact for fact in facts if isinstance(fact, EndpointConfigured) and fact.origin_endpoint == guid]
    return Programme(name, policies[-1], run.of(name))


def replayable(run: Broadcast) -> list[bytes]:
    """Every entry of a broadcast, as bytes."""
    return [codec.encode(entry) for entries in run.entries.values() for entry in entries]
