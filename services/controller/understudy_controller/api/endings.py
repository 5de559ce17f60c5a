"""Operators' orders to end a programme: judged by the channel's present state, then written into its log.

Whoever decides for the channel reads the order there, whichever controller took the request, and judges it once more:
what was sent meanwhile makes it void.
"""

from __future__ import annotations

from understudy_controller.api.errors import EndRefused
from understudy_controller.api.folds import Folds
from understudy_controller.api.models_understudy import EndResponse
from understudy_controller.api.service import ControlService
from understudy_controller.settings import ControllerSettings
from understudy_domain import codec, ticks
from understudy_domain.ending import refusal
from understudy_domain.facts import ProgramEndOrdered
from understudy_domain.keys import command_subject, shard_of
from understudy_domain.words import listed
from understudy_runtime import clock
from understudy_runtime.jetstream import Bus


class Endings:
    """Takes orders, and gives them at most once for each request."""

    def __init__(self, settings: ControllerSettings, bus: Bus, service: ControlService, folds: Folds) -> None:
        self._shards = settings.shards
        self._bus = bus
        self._service = service
        self._folds = folds

    async def channel(self, channel_id: str, *, request_id: str) -> EndResponse:
        """Order the programme of a channel to end; returns once the order stands in the log.

        Raises:
            ResourceNotFound: there is no such channel.
            EndRefused: an input delivers, or nothing has begun.
            BusUnavailable: NATS does not answer; whether the order stands is then not known.
        """
        channel = await self._service.channel(channel_id)
        endpoints = await self._service.origin_endpoints_of(channel_id)
        state = (await self._folds.of(channel.guid, endpoints)).state
        refused = refusal(state, clock.now_ticks())
        if refused is not None:
            raise EndRefused(refused[0], f"{channel_id}: {refused[1]}")
        begun = {one.origin_endpoint: one.last.ended for one in state.endpoints if one.last is not None}
        ending = [endpoint.id for endpoint in endpoints if not begun.get(endpoint.guid, True)]
        subject = command_subject(shard_of(channel.guid, shards=self._shards), channel.guid)
        sequence = await self._bus.publish(
            subject, codec.encode(ProgramEndOrdered()), message_id=f"{channel.guid}.end.{request_id}"
        )
        return EndResponse(
            channel=channel_id,
            origin_endpoints=ending,
            message=f"The programme ends on {listed(ending)}." if ending else "The programme has ended already.",
            ordered_at=ticks.to_iso8601(clock.now_ticks()),
            log_sequence=sequence,
        )
