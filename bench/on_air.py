"""A controller, or two, deciding for many channels that are on the air; and what PROGRAM says of it afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from bench.broadcast import RENDITIONS, SEGMENT_SECONDS, Broadcast, new_guid
from bench.installation import Access
from understudy_domain import codec, keys, ticks
from understudy_domain.channel import Channel, HlsPackage, IngestEndpoint, OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.reason import Reason
from understudy_runtime import clock
from understudy_runtime.errors import BusUnavailable

ENDPOINT_SECONDS = (2, 6)
"""S_out of each channel's endpoints."""
DECISIONS_A_SECOND = sum(1 / seconds for seconds in ENDPOINT_SECONDS)
"""That a channel is owed."""
_CREATED_AT_ONCE = 64
_LEAD_SECONDS = 2.0
"""From the last preparation to the first segment's beginning; there is much to sort for a thousand channels."""
_WAIT_SECONDS = 60.0
_QUIET_SECONDS = 4.0


@dataclass(frozen=True, slots=True)
class Decided:
    """An entry, and when it could have been decided and was."""

    channel: str
    slot_seconds: int
    reason: Reason
    decidable_at: int
    """When the fact that completes the slot was stored, or the deadline: log time, ticks since the epoch."""
    appended_at: int
    """When the entry was stored, by the same server's clock, ticks since the epoch."""

    @property
    def milliseconds(self) -> float:
        """How long it took."""
        return (self.appended_at - self.decidable_at) * 1e3 / ticks.TICKS_PER_SECOND


async def create_channels(access: Access, count: int) -> list[str]:
    """Channels with two inputs and two endpoints each, known to the controllers; their guids."""
    limit = asyncio.Semaphore(_CREATED_AT_ONCE)

    async def create(number: int) -> str:
        first, second = (IngestEndpoint(new_guid(), "user", "password") for _ in range(2))
        channel = Channel(f"bench-{number}", first.id, (first, second), clock.now_ticks())
        async with limit:
            await access.config.create(channel)
            for seconds in ENDPOINT_SECONDS:
                endpoint = OriginEndpoint(
                    id=f"{channel.id}-{seconds}s",
                    guid=new_guid(),
                    channel_id=channel.id,
                    channel_guid=channel.guid,
                    created_at=channel.created_at,
                    hls_package=HlsPackage(segment_duration_seconds=seconds),
                )
                await access.config.create(endpoint)
        return channel.guid

    guids = list(await asyncio.gather(*map(create, range(count))))
    # Each endpoint becomes a command in the log: when they are all there, the controllers have heard of them.
    give_up_at = clock.monotonic() + _WAIT_SECONDS
    while await access.bus.last_sequence(keys.ARRIVALS_STREAM) < count * len(ENDPOINT_SECONDS):
        if clock.monotonic() > give_up_at:
            raise TimeoutError("the controllers do not transcribe the channels' configuration")
        await asyncio.sleep(0.1)
    return guids


def broadcast_of(
    channels: Sequence[str],
    *,
    shards: int,
    segments: int,
    dies_at: int = 0,
    dying: int = 0,
    renditions: int = len(RENDITIONS),
) -> Broadcast:
    """Goes on the air in a moment; every ``dying``-th channel loses an input, 0: none does."""
    begin = clock.now_ticks() + ticks.from_seconds(_LEAD_SECONDS)
    return Broadcast(
        channels,
        shards,
        begin,
        segments,
        dying=frozenset(channels[::dying] if dying else ()),
        dies_at=dies_at,
        renditions=renditions,
    )


async def on_air(access: Access, broadcast: Broadcast, *, during: Callable[[], Awaitable[None]]) -> bool:
    """Broadcast, doing something meanwhile; whether everything had been decided soon after it was over."""
    async with asyncio.TaskGroup() as both:
        both.create_task(broadcast.publish(access.settings.nats_url), name="broadcast")
        both.create_task(_all_of(during), name="during")
    return await _is_quiet(access)


async def _all_of(during: Callable[[], Awaitable[None]]) -> None:
    await during()


async def _is_quiet(access: Access) -> bool:
    """Wait until the log is read and no more entries come; False if they still do after a while."""
    begun = since = clock.monotonic()
    last = 0
    while clock.monotonic() - begun < _WAIT_SECONDS:
        with contextlib.suppress(BusUnavailable):
            newest = await access.bus.last_sequence(keys.PROGRAM_STREAM)
            if newest != last or newest == 0 or await _unread(access):
                last, since = newest, clock.monotonic()
        if clock.monotonic() - since > _QUIET_SECONDS:
            return True
        await asyncio.sleep(0.2)
    return False


async def _unread(access: Access) -> int:
    """How many messages of ARRIVALS the controllers have not been sent yet."""
    answer = await access.bus.api_request(f"CONSUMER.LIST.{keys.ARRIVALS_STREAM}")
    return sum(consumer["num_pending"] for consumer in answer["consumers"] or ())


async def decided(access: Access) -> list[Decided]:
    """All entries there are, in the order in which they were appended."""
    found = []
    messages = await access.bus.reader(keys.PROGRAM_STREAM, keys.PROGRAM_SUBJECTS).read_present()
    for message in messages:
        entry = codec.decode_as(ProgramEntry, message.payload)
        seconds = round(ticks.to_seconds(entry.slot_duration))
        found.append(Decided(entry.channel, seconds, entry.reason, entry.as_of.instant, message.instant))
    return found


def owed(channels: int, *, seconds: float) -> float:
    """How many decisions so many channels are owed in a time."""
    return channels * seconds * DECISIONS_A_SECOND


def resident_bytes(pid: int) -> int:
    """What a process holds in memory now."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def core_busy_seconds(core: int) -> float:
    """How long a core has worked since the start of the machine, whoever it was for."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *times = line.split()
        if name == f"cpu{core}":
            user, nice, system, _idle, _waiting, *rest = map(int, times[:8])
            return (user + nice + system + sum(rest)) / os.sysconf("SC_CLK_TCK")
    raise LookupError(f"no core {core}")


def say(sentence: str) -> None:
    """Progress, on the terminal."""
    print(f"  … {sentence}", file=sys.stderr, flush=True)


def until(broadcast: Broadcast, seconds: float) -> float:
    """Seconds from now until so long after a broadcast's beginning, at least 0."""
    return max(ticks.to_seconds(broadcast.begin - clock.now_ticks()) + seconds, 0.0)


WARM_UP_SECONDS = 6 * SEGMENT_SECONDS
"""Until then the length of the segments is being learnt, and six-second slots have not begun."""
