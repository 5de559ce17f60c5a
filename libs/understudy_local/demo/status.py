"""What ``understudy demo status`` shows: the encoders that run, which input each origin endpoint follows, and why."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from understudy_domain import codec, keys, ticks
from understudy_domain.entry import ActiveInput
from understudy_domain.errors import MalformedRecord
from understudy_local.data_directory import DataDirectory
from understudy_local.demo.wishes import Wishes
from understudy_local.errors import DemoFailed
from understudy_runtime import clock, jetstream
from understudy_runtime.errors import BusUnavailable
from understudy_runtime.settings import CommonSettings
from understudy_runtime.streams import kv_stream, kv_subject

_PATIENCE_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Status:
    """What is so now."""

    encoders: dict[int, int | None]
    """Process ids by input, None where none runs."""
    origin_endpoints: tuple[ActiveInput, ...]
    """By id; an origin endpoint without its first decision is not among them."""

    def as_json(self) -> dict[str, object]:
        """For ``--json``: instants in ISO 8601."""
        return {
            "encoders": {
                str(number): {"running": pid is not None, "pid": pid} for number, pid in self.encoders.items()
            },
            "origin_endpoints": {
                active.origin_endpoint: {
                    "active_input": active.active_input,
                    "since": ticks.to_iso8601(active.since),
                    "reason": str(active.reason),
                    "media_sequence": active.media_sequence,
                }
                for active in self.origin_endpoints
            },
        }

    def as_text(self) -> str:
        """For people."""
        encoders = [
            f"encoder {number}    {'stopped' if pid is None else f'runs (process {pid})'}"
            for number, pid in self.encoders.items()
        ]
        width = max((len(active.origin_endpoint) for active in self.origin_endpoints), default=0)
        endpoints = [
            f"{active.origin_endpoint:<{width}}  follows input {active.active_input} since "
            f"{ticks.to_iso8601(active.since)} ({_seconds_since(active.since)} s ago), reason: {active.reason}"
            for active in self.origin_endpoints
        ]
        return "\n".join((*encoders, "", *(endpoints or ("no origin endpoint follows an input yet",))))


def look(directory: DataDirectory, *, channel_id: str) -> Status:
    """Ask the stack that runs on ``directory``.

    Raises:
        StackNotRunning: none does, or it runs no demo.
        DemoFailed: its NATS server gives no answer.
    """
    directory.require_running()
    stack = directory.read_stack()
    encoders = Wishes(directory).told()
    active = asyncio.run(_active_inputs(stack["nats_url"]))
    of_channel = (found for found in active if found.channel == channel_id)
    return Status(encoders, tuple(sorted(of_channel, key=lambda found: found.origin_endpoint)))


async def _active_inputs(nats_url: str) -> list[ActiveInput]:
    bucket = keys.ACTIVE_INPUT_BUCKET
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):
            bus = await jetstream.connect(CommonSettings(nats_url=nats_url), name="understudy demo status")
            try:
                messages = await bus.fetch(kv_stream(bucket), kv_subject(bucket, ">"))
            finally:
                await bus.close()
    except (TimeoutError, BusUnavailable) as err:
        raise DemoFailed("the stack's NATS server gives no answer; see its log in the data directory.") from err
    found = []
    for message in messages:
        if not message.payload:
            continue  # the mark of a deleted key
        try:
            found.append(codec.decode_as(ActiveInput, message.payload))
        except MalformedRecord:
            continue  # of another release; the services count and report such
    return found


def _seconds_since(instant: int) -> int:
    return round(ticks.to_seconds(clock.now_ticks() - instant))
