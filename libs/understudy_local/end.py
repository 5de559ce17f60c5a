"""``understudy end``: has the programme of a channel end, and watches what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from understudy_local.control_api import ControlApi, path_of

_POLL_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 15.0
"""What there is of a last slot is published at its deadline, which may be later by the time delay: that is not waited
for."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order that a channel took."""

    channel: str
    origin_endpoints: tuple[str, ...]
    message: str
    log_sequence: int


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of the order at an origin endpoint."""

    origin_endpoint: str
    ended: bool | None
    """None: it ends later."""
    message: str
    media_sequence: int | None = None
    """The last of the programme."""


def give(api: ControlApi, channel: str) -> Order:
    """Order a channel's programme to end.

    Raises:
        ApiRefused: an input delivers, nothing has begun, or there is no such channel.
        ApiUnreachable: the control API gives no answer.
    """
    answer = api.post(path_of("channels", channel, "end"), {})
    return Order(answer["channel"], tuple(answer["originEndpoints"]), answer["message"], answer["logSequence"])


def outcomes(api: ControlApi, order: Order) -> Iterator[Outcome]:
    """What becomes of it, each endpoint's told once it is known; not in their order.

    Raises:
        ApiRefused, ApiUnreachable: the control API cannot be asked any more.
    """
    watched = list(order.origin_endpoints)
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while watched:
        given_up = time.monotonic() > give_up_at
        for name in list(watched):
            outcome = _look(name, api.get(path_of("origin_endpoints", name, "status")), order, given_up=given_up)
            if outcome is not None:
                watched.remove(name)
                yield outcome
        if watched:
            time.sleep(_POLL_SECONDS)


def _look(name: str, status: dict[str, Any], order: Order, *, given_up: bool) -> Outcome | None:
    """The outcome, if it is known by now."""
    if status["log_sequence"] >= order.log_sequence:
        if status["ended"]:
            sequence = status["last"]["media_sequence"]
            return Outcome(name, True, f"has ended with media sequence {sequence}.", sequence)
        if status["ends_at"] is None:
            return Outcome(name, False, "goes on: something has come from an input.")
    if not given_up:
        return None
    return Outcome(name, None, "ends once what there is of its last slot is published.")
