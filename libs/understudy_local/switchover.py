"""``understudy switchover``: has origin endpoints follow another input, and watches what comes of it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from understudy_local.control_api import ControlApi, path_of

_POLL_SECONDS: Final = 0.25
_PATIENCE_SECONDS: Final = 75.0
"""An order stands for a minute, and what is decided in the end may wait a moment for the input."""


@dataclass(frozen=True, slots=True)
class Order:
    """An order that an origin endpoint took."""

    origin_endpoint: str
    input: int
    message: str
    """What was expected of it."""
    log_sequence: int
    seam: str
    """What the change looked like when it was ordered: ``seamless`` or ``discontinuity``."""
    jump_seconds: float | None
    """By how much the programme would jump; None where that is not known."""
    stands_until: str
    """ISO 8601."""


@dataclass(frozen=True, slots=True)
class Refused:
    """An origin endpoint of a channel that did not take the order."""

    origin_endpoint: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an order."""

    origin_endpoint: str
    input: int
    followed: bool
    """The endpoint follows the input."""
    message: str
    since: str | None = None
    reason: str | None = None
    media_sequence: int | None = None
    """The first slot from the input."""
    discontinuity: bool | None = None
    """Of that slot."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was answered to an order."""

    ordered: tuple[Order, ...]
    refused: tuple[Refused, ...] = ()

    @property
    def amiss(self) -> bool:
        """Whether an endpoint refused that does not follow the input anyway."""
        return any(one.code != "already_active" for one in self.refused)


def give(api: ControlApi, *, endpoint: str | None, channel: str | None, input_id: int | None, force: bool) -> Given:
    """Order an origin endpoint, or all of a channel, to follow an input; None: the other one.

    Raises:
        ApiRefused: nobody takes the order.
        ApiUnreachable: the control API gives no answer.
    """
    body: dict[str, object] = {"force": force}
    if input_id is not None:
        body["input"] = input_id
    if endpoint is not None:
        return Given((_order(api.post(path_of("origin_endpoints", endpoint, "switchover"), body)),))
    answer = api.post(path_of("channels", channel or "", "switchover"), body)
    refused = (Refused(one["originEndpoint"], one["code"], one["message"]) for one in answer["refused"])
    return Given(tuple(map(_order, answer["ordered"])), tuple(refused))


def _order(answer: dict[str, Any]) -> Order:
    return Order(
        origin_endpoint=answer["originEndpoint"],
        input=answer["input"],
        message=answer["message"],
        log_sequence=answer["logSequence"],
        seam=answer["seam"],
        jump_seconds=answer["jumpSeconds"],
        stands_until=answer["standsUntil"],
    )


def outcomes(api: ControlApi, orders: tuple[Order, ...]) -> Iterator[Outcome]:
    """What becomes of the orders, each told once it is known; not in their order.

    Raises:
        ApiRefused, ApiUnreachable: the control API cannot be asked any more.
    """
    watched = [_Watched(api, order) for order in orders]
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while watched:
        for one in list(watched):
            outcome = one.look()
            if outcome is None and time.monotonic() > give_up_at:
                outcome = one.unknown()
            if outcome is not None:
                watched.remove(one)
                yield outcome
        if watched:
            time.sleep(_POLL_SECONDS)


class _Watched:
    """An order that has been given."""

    def __init__(self, api: ControlApi, order: Order) -> None:
        self._api = api
        self._order = order
        self._last_seen: int | None = None
        """Media sequence of the newest slot that was decided while the order stood."""

    def look(self) -> Outcome | None:
        """The outcome, if it is known by now."""
        status = self._get("status")
        if status["log_sequence"] < self._order.log_sequence:
            return None
        if status["active_input"] == self._order.input:
            return self._followed(status) if status["since_media_sequence"] is not None else None
        standing = status["order"]
        if standing is None:
            return self._not_followed()
        if standing["log_sequence"] != self._order.log_sequence:
            return self._failed("another order has taken its place.")
        self._last_seen = status["last"]["media_sequence"]
        return None

    def unknown(self) -> Outcome:
        """It is not known in time."""
        return self._failed("nothing is known of the order; its status says more once something arrives.")

    def _followed(self, status: dict[str, Any]) -> Outcome:
        sequence = status["since_media_sequence"]
        told = self._get(f"explain?sequence={sequence}")
        seam = "with a discontinuity" if told["discontinuity"] else "with no discontinuity"
        return Outcome(
            origin_endpoint=self._order.origin_endpoint,
            input=self._order.input,
            followed=True,
            message=(
                f"follows input {self._order.input} from media sequence {sequence} on, since {status['since']}, "
                f"reason: {status['reason']}, {seam}."
            ),
            since=status["since"],
            reason=status["reason"],
            media_sequence=sequence,
            discontinuity=told["discontinuity"],
        )

    def _not_followed(self) -> Outcome:
        why = ""
        if self._last_seen is not None:
            told = self._get(f"explain?sequence={self._last_seen}")
            wanted = f"Input {self._order.input} was to be followed"
            why = "".join(f" {one}" for one in told["sentences"] if one.startswith(wanted))
        return self._failed(f"the order is off: it has run out, or a policy withdrew it.{why}")

    def _failed(self, what: str) -> Outcome:
        message = f"does not follow input {self._order.input}: {what}"
        return Outcome(self._order.origin_endpoint, self._order.input, followed=False, message=message)

    def _get(self, what: str) -> dict[str, Any]:
        path, _, query = what.partition("?")
        found = path_of("origin_endpoints", self._order.origin_endpoint, path)
        return self._api.get(f"{found}?{query}" if query else found)
