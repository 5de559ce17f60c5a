"""The wire of our own operations that change something: policies and switchovers. As strict as MediaPackage's."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from understudy_controller.api.wire_models import WireRequest, WireResponse
from understudy_domain.ending import EndRefusal
from understudy_domain.policy import HOLD_DOWN_DEFAULT, PolicyKind
from understudy_domain.status import Seam
from understudy_domain.switchover import Refusal
from understudy_domain.ticks import TICKS_PER_SECOND

HOLD_DOWN_SECONDS_MAX = 86_400
HOLD_DOWN_SECONDS_DEFAULT = HOLD_DOWN_DEFAULT // TICKS_PER_SECOND

InputId = Annotated[int, Field(ge=1, le=2)]


class PutPolicyRequest(WireRequest):
    """PUT /understudy/v1/origin_endpoints/{id}/policy: the whole policy."""

    policy: Literal["sticky", "preferred", "pinned", "off"]
    input: InputId | None = None
    """What is preferred or pinned; needed for these two. For the others 1, which is what they show, or nothing."""
    hold_down_seconds: Annotated[int, Field(ge=0, le=HOLD_DOWN_SECONDS_MAX)] | None = None
    """For how long a preferred input has to have been complete and on time before a failback; 60 where it is left out.
    For the other policies 60, which is what they show, or nothing."""


class SwitchoverRequest(WireRequest):
    """POST …/switchover; without a body, everything by default."""

    input: InputId | None = None
    """Where to; left out: the other one than is active."""
    force: bool = False
    """Even where the change would not be seamless."""


class EndRequest(WireRequest):
    """POST …/end; there is nothing to say, with or without a body."""


class PolicyResponse(WireResponse):
    """A policy, in the form in which it can be put again."""

    policy: PolicyKind
    input: int
    hold_down_seconds: int


class SwitchoverResponse(WireResponse):
    """An order that was given. Whether it was carried out, the endpoint's status says."""

    origin_endpoint: str
    input: int
    """Which the endpoint is to follow."""
    force: bool
    seam: Seam
    """What the change looks like as things are."""
    jump_seconds: float | None
    """By how much the programme would jump, by program date times; 0 where seamless, null where it is not known."""
    message: str
    ordered_at: str
    stands_until: str
    """The order is off if it could not be carried out until then."""
    log_sequence: int
    """Of the order in ARRIVALS: the status has read it once its own ``log_sequence`` is as much."""
    status: str
    """Path of the endpoint's status, which tells when it follows the input, and which order stands."""


class SwitchoverRefusalResponse(WireResponse):
    """An origin endpoint of a channel that did not take the order."""

    origin_endpoint: str
    code: Refusal
    message: str


class ChannelSwitchoverResponse(WireResponse):
    """What became of the order at each of a channel's origin endpoints; at least one took it."""

    channel: str
    ordered: list[SwitchoverResponse]
    refused: list[SwitchoverRefusalResponse]


class EndResponse(WireResponse):
    """An order to end a channel's programme that was given. Whether it was carried out, the endpoints' status says."""

    channel: str
    origin_endpoints: list[str]
    """Whose programme ends; one that has nothing to end is not among them."""
    message: str
    ordered_at: str
    log_sequence: int
    """Of the order in ARRIVALS: a status has read it once its own ``log_sequence`` is as much."""


class RefusalResponse(WireResponse):
    """What a refused order is answered with, status 409."""

    message: str
    code: Refusal | EndRefusal
