"""Follows PROGRAM, and holds those origin endpoints that somebody has asked for.

One reader follows the whole log from this process's start on; entries of endpoints that nobody asked for pass by
unread. An endpoint's older entries are fetched when it is first asked for, while new ones are held back, so that no
entry can fall between the two.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from understudy_domain import keys
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedKey, UnknownObject
from understudy_domain.program import NotContiguous
from understudy_egress.availability_timer import AvailabilityTimer
from understudy_egress.board import Shown
from understudy_egress.cdn_secrets import CdnSecrets
from understudy_egress.errors import ProgrammeNotLoaded
from understudy_egress.event_past import PAST_UNREADABLE, EventPast
from understudy_egress.event_watch import LOOK_SECONDS, EventWatch
from understudy_egress.program_log import ProgramLog
from understudy_egress.programme import Programme
from understudy_egress.slot_traces import SlotTraces
from understudy_runtime import clock
from understudy_runtime.access_log import Names
from understudy_runtime.config_store import ConfigChange, ConfigStore
from understudy_runtime.errors import BusRefused, BusUnavailable, LogTruncated, OfANewerRelease
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage
from understudy_runtime.ordered import OrderedReader
from understudy_runtime.tracing import NO_TRACER, Tracer

_log = logging.getLogger(__name__)

_RETRY_SECONDS = 0.25
_LOOK_INTERVAL_SECONDS = 0.02


@dataclass(slots=True)
class _Held:
    """An origin endpoint in memory. While ``loading``, entries that arrive wait in ``arrived``."""

    programme: Programme
    loading: asyncio.Task[None] | None = None
    loaded: asyncio.Event = field(default_factory=asyncio.Event)
    """Set also when it is dropped, so that nobody waits for it."""
    arrived: list[ProgramEntry] = field(default_factory=list)
    has_passed_over: bool = False
    """An entry came that does not parse: what is in memory is not all that stands."""


class Programmes:
    """The origin endpoints in memory, by guid."""

    def __init__(
        self,
        bus: Bus,
        config: ConfigStore,
        *,
        shown: Shown,
        secrets: CdnSecrets,
        event_past: EventPast,
        shards: int,
        wait_seconds: float,
        names_of: Callable[[OriginEndpoint], Names | None] = lambda _: None,
        look_seconds: float = LOOK_SECONDS,
        tracer: Tracer = NO_TRACER,
    ) -> None:
        """``names_of``: under which names what is asked of an origin endpoint is logged, None: it is not.

        ``look_seconds``: as in ``EventWatch``.
        """
        self._names_of = names_of
        self._traces = SlotTraces(tracer)
        self._bus = bus
        self._config = config
        self._event_past = event_past
        self._program_log = ProgramLog(bus, shards=shards)
        self._wait_seconds = wait_seconds
        self._held: dict[str, _Held] = {}
        self._timer = AvailabilityTimer(self._advance)
        self._event_watch = EventWatch(
            event_past, shown=self._to_be_watched, reload=self._reload, look_seconds=look_seconds
        )
        self._following: asyncio.Task[None] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._next_look: asyncio.Task[None] | None = None
        self._looked_at = float("-inf")
        self._shown = shown
        self._secrets = secrets
        self._reader: OrderedReader | None = None
        self.entries_total = 0
        self.last_sequence = 0
        """Of PROGRAM, the newest message read."""

    async def start(self) -> None:
        """Begin to follow; returns once it is certain from where, however long NATS takes."""
        while True:
            try:
                self.last_sequence = await self._bus.last_sequence(keys.PROGRAM_STREAM)
            except (BusUnavailable, BusRefused) as err:
                _log.warning("cannot follow the programme yet: %s", err)
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                break
        self._config.on_change(self._configure)
        self._following = asyncio.create_task(self._follow(), name="program")
        self._watching = asyncio.create_task(self._event_watch.run(), name="watch events")

    async def stop(self) -> None:
        """Stop following, and forget everything."""
        for task in (self._following, self._watching):
            if task is not None:
                task.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await task
        for guid in list(self._held):
            self._drop(guid)
        self._timer.stop()

    # --- asked for ------------------------------------------------------------------------------------------------

    @property
    def is_following(self) -> bool:
        """It has begun to follow, with NATS there or away since."""
        return self._following is not None and not self._following.done()

    def is_current(self, programme: Programme) -> bool:
        """Whether no newer entry of it stands than is in memory, as far as can be told."""
        held = self._held.get(programme.endpoint.guid)
        return (
            held is not None
            and held.programme is programme
            and held.loading is None
            and not held.has_passed_over
            and self._reader is not None
            and self._reader.is_current
        )

    @property
    def malformed_total(self) -> int:
        """Messages of PROGRAM that did not parse and were skipped."""
        return self._program_log.malformed_total

    def held(self) -> list[Programme]:
        """All that are in memory and loaded."""
        return [held.programme for held in self._held.values() if held.loaded.is_set()]

    async def get(self, guid: str) -> Programme:
        """The programme of an origin endpoint; the first to ask waits for its entries.

        Raises:
            UnknownObject: there is no such origin endpoint.
            ProgrammeNotLoaded: its entries did not come within ``wait_seconds``.
            OfANewerRelease: it may be one that cannot be read here.
            BusUnavailable: whether there is such an origin endpoint cannot be said now.
        """
        held = self._held.get(guid)
        if held is None:
            endpoint = await self._endpoint(guid)
            held = self._held.get(guid)
            if held is None:
                held = self._held[guid] = _Held(Programme(endpoint, self._shown, secrets=self._secrets))
                held.programme.board.log_as(self._names_of(endpoint))
                self._load(guid, held)
        if not held.loaded.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(held.loaded.wait(), self._wait_seconds)
            if self._held.get(guid) is not held:
                raise UnknownObject("there is no such origin endpoint any more")
            if not held.loaded.is_set():
                raise ProgrammeNotLoaded("the entries of this origin endpoint have not come yet; try again")
        return held.programme

    async def _endpoint(self, guid: str) -> OriginEndpoint:
        found = self._config.origin_endpoint_by_guid(guid)
        if found is None:
            # It may have been created a moment ago, and its creator may know already.
            try:
                await asyncio.wait_for(self._look_at_config(), self._wait_seconds)
            except TimeoutError as err:
                raise ProgrammeNotLoaded("whether there is such an origin endpoint cannot be said now") from err
            found = self._config.origin_endpoint_by_guid(guid)
        if found is None and self._config.unreadable:
            raise OfANewerRelease("there may be such an origin endpoint: a newer release has configured some")
        if found is None:
            raise UnknownObject("there is no such origin endpoint")
        return found.value

    async def _look_at_config(self) -> None:
        """Whoever asks for what is not there shares one look a while: made-up names must not become load on NATS."""
        if self._next_look is None:
            self._next_look = asyncio.create_task(self._look(), name="look at config")
        await asyncio.shield(self._next_look)

    async def _look(self) -> None:
        await asyncio.sleep(max(0.0, self._looked_at + _LOOK_INTERVAL_SECONDS - clock.monotonic()))
        # Those who come from here on may ask for something younger: the next look is theirs.
        self._next_look = None
        self._looked_at = clock.monotonic()
        await self._config.ensure_current()

    # --- configuration --------------------------------------------------------------------------------------------

    def _configure(self, change: ConfigChange) -> None:
        before = change.before.value if change.before else None
        after = change.after.value if change.after else None
        if isinstance(before, OriginEndpoint) and (after is None or after.guid != before.guid):
            self._drop(before.guid)
        if isinstance(after, Channel):
            for programme in (one.programme for one in self._held.values()):
                if programme.endpoint.channel_guid == after.guid:
                    programme.board.log_as(self._names_of(programme.endpoint))
        if isinstance(after, OriginEndpoint):
            held = self._held.get(after.guid)
            if held is not None:
                held.programme.configure(after, now=clock.now_ticks())
                if held.programme.awaits_past:
                    held.loaded.clear()
                self._set_timer(after.guid, held)
                # A longer window may reach back to entries that were never fetched.
                self._load(after.guid, held)

    def _drop(self, guid: str) -> None:
        held = self._held.pop(guid, None)
        if held is not None:
            if held.loading is not None:
                held.loading.cancel()
            held.loaded.set()
            held.programme.close()
            self._timer.set(guid, None)
            self._traces.forget(guid)

    # --- loading --------------------------------------------------------------------------------------------------

    def _load(self, guid: str, held: _Held) -> None:
        if held.loading is not None:
            held.loading.cancel()
        held.loading = asyncio.create_task(self._fetch_until_loaded(guid, held), name=f"load {guid}")

    def _to_be_watched(self) -> list[Programme]:
        return [held.programme for held in self._held.values() if held.loading is None]

    def _reload(self, programme: Programme) -> None:
        """Read one of these again; what it shows stays until then."""
        guid = programme.endpoint.guid
        held = self._held.get(guid)
        if held is not None and held.programme is programme:
            self._load(guid, held)

    async def _fetch_until_loaded(self, guid: str, held: _Held) -> None:
        while True:
            try:
                endpoint = held.programme.endpoint
                fetched = await self._program_log.recent(endpoint)
                listing = await self._event_past.listing(endpoint, fetched) if endpoint.lists_all else None
                # Nothing is awaited from here on: no entry can arrive in between.
                entries = [*fetched, *held.programme.window.entries, *held.arrived]
                held.programme.replace(entries, now=clock.now_ticks(), listing=listing)
            except (BusUnavailable, BusRefused, LogTruncated, *PAST_UNREADABLE) as err:
                _log.warning("cannot read a programme yet: %s", err, extra={"origin_endpoint": guid})
            except Exception:  # noqa: BLE001  # whoever asks for it must not be left without an answer for good
                _log.exception("reading a programme failed", extra={"origin_endpoint": guid})
            else:
                break
            await asyncio.sleep(_RETRY_SECONDS)
        held.arrived.clear()
        held.loaded.set()
        held.loading = None
        self._set_timer(guid, held)

    # --- following ------------------------------------------------------------------------------------------------

    async def _follow(self) -> None:
        while True:
            self._reader = self._bus.reader(
                keys.PROGRAM_STREAM, keys.PROGRAM_SUBJECTS, start_sequence=self.last_sequence + 1
            )
            try:
                async with contextlib.aclosing(self._reader.messages()) as messages:
                    async for message in messages:
                        self.last_sequence = message.sequence
                        self._take(message)
            except LogTruncated as err:
                _log.error("the programme was replaced by an older one, reading it anew: %s", err)
                self.last_sequence = 0
                for guid in list(self._held):
                    self._drop(guid)
            except Exception:  # noqa: BLE001  # whatever it was, the next entries matter more
                _log.exception("following the programme failed, beginning again")
            await asyncio.sleep(_RETRY_SECONDS)

    def _take(self, message: StoredMessage) -> None:
        try:
            _, guid = keys.parse_program_subject(message.subject)
        except MalformedKey:
            self._program_log.malformed_total += 1
            return
        held = self._held.get(guid)
        if held is None:
            return
        entry = self._program_log.decode(message)
        if entry is None:
            held.has_passed_over = True
            return
        self.entries_total += 1
        if held.loading is not None:
            held.arrived.append(entry)
        if not held.loaded.is_set():
            return
        if self._traces.is_on:
            self._traces.taken(held.programme, entry, message, at=clock.now_nanoseconds())
        try:
            held.programme.append(entry, now=clock.now_ticks())
        except NotContiguous as err:
            if held.loading is None:
                _log.warning("entries are missing, reading them again: %s", err, extra={"origin_endpoint": guid})
                held.arrived.append(entry)
                self._load(guid, held)
        except Exception:  # noqa: BLE001  # one programme must not hold up the others
            _log.exception("an entry could not be shown", extra={"origin_endpoint": guid})
        self._set_timer(guid, held)

    # --- time -----------------------------------------------------------------------------------------------------

    def _advance(self, guid: str) -> None:
        held = self._held.get(guid)
        if held is not None:
            try:
                held.programme.advance(now=clock.now_ticks())
            except Exception:  # noqa: BLE001  # as for an entry
                _log.exception("a programme could not go on", extra={"origin_endpoint": guid})
            self._set_timer(guid, held)

    def _set_timer(self, guid: str, held: _Held) -> None:
        """After whatever may have changed its playlists."""
        if self._traces.is_on:
            self._traces.shown(held.programme)
        self._timer.set(guid, held.programme.next_change_at)
