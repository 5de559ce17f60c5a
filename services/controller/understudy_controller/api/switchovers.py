"""Operators' orders to switch over: judged by the channel's present state, then written into its log.

Whoever decides for the channel reads the order there, whichever controller took the request. What was judged may have
changed by then: the decision core carries out no order that is not forced where the change would not be seamless.
"""

from __future__ import annotations

from typing import Final

from understudy_controller.api.errors import SwitchoverRefused
from understudy_controller.api.folds import Folds
from understudy_controller.api.models_understudy import (
    ChannelSwitchoverResponse,
    SwitchoverRefusalResponse,
    SwitchoverRequest,
    SwitchoverResponse,
)
from understudy_controller.api.service import ControlService
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec, ticks
from understudy_domain.channel import OriginEndpoint
from understudy_domain.endpoint_state import ORDER_STANDS
from understudy_domain.errors import InvalidResource
from understudy_domain.facts import SwitchoverOrdered
from understudy_domain.fold import ChannelFold
from understudy_domain.keys import command_subject, shard_of
from understudy_domain.switchover import Prospect, Refusal, prospect
from understudy_runtime import clock
from understudy_runtime.jetstream import Bus

STATUS_PATH: Final = "/understudy/v1/origin_endpoints/{}/status"


class Switchovers:
    """Takes orders, and gives them at most once for each request."""

    def __init__(self, settings: ControllerSettings, bus: Bus, service: ControlService, folds: Folds) -> None:
        self._shards = settings.shards
        self._bus = bus
        self._service = service
        self._folds = folds

    async def endpoint(self, endpoint_id: str, request: SwitchoverRequest, *, request_id: str) -> SwitchoverResponse:
        """Order an origin endpoint to follow another input; returns once the order stands in the log.

        Raises:
            ResourceNotFound: there is none of this id.
            SwitchoverRefused: it could not be carried out, or viewers would notice.
            BusUnavailable: NATS does not answer; whether the order stands is then not known.
        """
        endpoint = await self._service.origin_endpoint(endpoint_id)
        fold = await self._folds.of(endpoint.channel_guid, [endpoint])
        found = _judge(fold, endpoint, request.input, request.force)
        if found.refusal is not None:
            raise SwitchoverRefused(found.refusal, f"{endpoint_id}: {found.sentence}")
        return await self._order(endpoint, found, force=request.force, request_id=request_id)

    async def channel(
        self, channel_id: str, request: SwitchoverRequest, *, request_id: str
    ) -> ChannelSwitchoverResponse:
        """Order all origin endpoints of a channel to follow one input; each takes the order or refuses it by itself.

        Raises:
            ResourceNotFound: there is no such channel.
            InvalidResource: no input is named, and they follow different ones.
            SwitchoverRefused: not one of them takes it.
            BusUnavailable: NATS does not answer; how many orders stand is then not known.
        """
        endpoints = await self._service.origin_endpoints_of(channel_id)
        if not endpoints:
            raise SwitchoverRefused(Refusal.NOTHING_PUBLISHED_YET, f"the channel {channel_id} has no origin endpoints")
        fold = await self._folds.of(endpoints[0].channel_guid, endpoints)
        wanted = request.input if request.input is not None else _other_of_all(fold)
        judged = [(endpoint, _judge(fold, endpoint, wanted, request.force)) for endpoint in endpoints]
        refused = [
            SwitchoverRefusalResponse(origin_endpoint=endpoint.id, code=found.refusal, message=found.sentence)
            for endpoint, found in judged
            if found.refusal is not None
        ]
        if len(refused) == len(judged):
            sentences = " ".join(f"{one.origin_endpoint}: {one.message}" for one in refused)
            raise SwitchoverRefused(refused[0].code, sentences)
        ordered = [
            await self._order(endpoint, found, force=request.force, request_id=request_id)
            for endpoint, found in judged
            if found.refusal is None
        ]
        return ChannelSwitchoverResponse(channel=channel_id, ordered=ordered, refused=refused)

    async def _order(
        self, endpoint: OriginEndpoint, found: Prospect, *, force: bool, request_id: str
    ) -> SwitchoverResponse:
        assert found.input_id is not None  # noqa: S101 - only what has published nothing may lack it
        assert found.seam is not None  # noqa: S101 - only refusals lack it
        order = SwitchoverOrdered(endpoint.guid, found.input_id, forced=force)
        subject = command_subject(shard_of(endpoint.channel_guid, shards=self._shards), endpoint.channel_guid)
        message_id = f"{endpoint.guid}.switchover.{request_id}"
        sequence = await self._bus.publish(subject, codec.encode(order), message_id=message_id)
        now = clock.now_ticks()
        return SwitchoverResponse(
            origin_endpoint=endpoint.id,
            input=found.input_id,
            force=force,
            seam=found.seam,
            jump_seconds=found.jump_seconds,
            message=found.sentence,
            ordered_at=ticks.to_iso8601(now),
            stands_until=ticks.to_iso8601(now + ORDER_STANDS),
            log_sequence=sequence,
            status=STATUS_PATH.format(endpoint.id),
        )


def _judge(fold: ChannelFold, endpoint: OriginEndpoint, input_id: int | None, force: bool) -> Prospect:
    return prospect(fold.state, endpoint.guid, input_id=input_id, forced=force, now=clock.now_ticks())


def _other_of_all(fold: ChannelFold) -> int | None:
    """The input that none of the endpoints follows; None where none follows any yet.

    Raises:
        InvalidResource: each of the two is followed by some, and to swap them is hardly what anybody wants.
    """
    followed = {endpoint.last.active_input for endpoint in fold.state.endpoints if endpoint.last is not None}
    if len(followed) > 1:
        raise InvalidResource("input: required, the channel's origin endpoints do not all follow the same one")
    return 3 - followed.pop() if followed else None
