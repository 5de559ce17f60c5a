"""Live programme through nginx and Varnish, with what goes wrong in a bad minute, and what came of it.

The programme has short segments, two encoders push it in real time, and two egress processes serve both caches. A third
one, which nothing happens to, says what was true at each instant. In every minute an egress process is killed, the
encoder that is followed goes away and comes back, players join late, and the other egress process is killed. In the end
both are killed at once.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from support.cdn import running_nginx, running_varnish
from support.cdn_audience import Viewer, ask_too_early, inspect
from support.cdn_report import CdnReport, CdnRun
from support.control import Control, CreatedEndpoint
from support.egress_process import EgressProcess, UnheldEgressProcess
from support.encoder_pair import SEGMENT_SECONDS, EncoderPair
from support.http_exchange import Exchange
from support.stack import Stack
from understudy_runtime.settings import CommonSettings

_JOIN_SECONDS = 2.0
_LATE_SHARE = 10
_IMPATIENT = 2
_IMPATIENT_SECONDS = 0.1
"""So many of a cache's viewers look so often: no moment at which it shows something old escapes them."""
_PUSH_AFTER_SECONDS = 1.5
_EXPIRED_SECONDS = 2.1
"""No cache takes a playlist for fresh any more."""
_RECOVERY_SECONDS = 15.0

Say = Callable[[str], None]


class CdnDirector:
    """Plays the run, and ends all it has started whatever happens."""

    def __init__(
        self,
        stack: Stack,
        control: Control,
        directory: Path,
        *,
        duration_seconds: float,
        viewers: int,
        say: Say = lambda _: None,
    ) -> None:
        """``viewers``: of both caches together."""
        self._stack = stack
        self._control = control
        self._directory = directory
        self._say = say
        self._run = CdnRun(duration_seconds, viewers)
        self._until = asyncio.Event()
        self._over = asyncio.Event()
        self._multivariant = ""
        self._replicas: list[EgressProcess] = []
        self._tasks: list[asyncio.Task[None]] = []

    def play(self, name: str = "cdn") -> CdnRun:
        """Play it, and read the logs of the caches when they have ended.

        Raises:
            MissingProgram: nginx or Varnish is not installed.
        """
        channel = self._control.create_channel(name)
        endpoint = self._control.create_endpoint(f"{name}-short", channel, segment_seconds=SEGMENT_SECONDS)
        self._multivariant = urlsplit(endpoint.url).path
        encoders = EncoderPair(channel, self._directory / "encoded", seconds=self._run.duration_seconds)
        with contextlib.ExitStack() as cleanup:
            for number in (1, 2):
                replica = UnheldEgressProcess(self._directory, self._settings(), name=f"egress-{number}")
                self._replicas.append(cleanup.enter_context(replica))
            origins = [replica.port for replica in self._replicas]
            for start in (running_nginx, running_varnish):
                cdn = cleanup.enter_context(start(self._directory / start.__name__, origins=origins))
                self._run.reports[cdn.name] = CdnReport(cdn)
            asyncio.run(self._play(endpoint, encoders))
        for report in self._run.reports.values():
            report.origin = report.cdn.origin_requests()
        self._run.failovers = self._control.decisions(endpoint).get("failover", 0)
        return self._run

    def _settings(self) -> CommonSettings:
        credentials = self._stack.credentials
        return CommonSettings(
            nats_url=self._stack.nats_url,
            s3_endpoint_url=self._stack.s3_url,
            s3_region=credentials.region,
            s3_access_key_id=credentials.access_key_id,
            s3_secret_access_key=SecretStr(credentials.secret_access_key),
        )

    async def _play(self, endpoint: CreatedEndpoint, encoders: EncoderPair) -> None:
        run = self._run
        egress = urlsplit(self._stack.egress_url).port
        assert egress is not None
        async with asyncio.TaskGroup() as group:
            group.create_task(run.truth.watch(egress, self._multivariant, until=self._over))
            for report in run.reports.values():
                group.create_task(ask_too_early(report.cdn, truth=run.truth, seen=report.seen, until=self._until))
            late = max(1, run.viewers // _LATE_SHARE // len(run.reports))
            self._join(group, run.viewers // len(run.reports) - late - _IMPATIENT)
            self._join(group, _IMPATIENT, reload_seconds=_IMPATIENT_SECONDS)
            await asyncio.sleep(_PUSH_AFTER_SECONDS)
            await encoders.start()
            try:
                await self._incidents(group, endpoint, encoders, late=late)
                self._until.set()
                await self._black_out()
            finally:
                self._until.set()
                self._over.set()
                await encoders.stop()

    def _join(
        self,
        group: asyncio.TaskGroup,
        count: int,
        *,
        within_seconds: float = _JOIN_SECONDS,
        reload_seconds: float | None = None,
    ) -> None:
        """So many viewers more of each cache, one after the other."""
        for report in self._run.reports.values():
            for number in range(count):
                viewer = Viewer(
                    f"viewer {number + 1}",
                    report.cdn,
                    self._multivariant,
                    truth=self._run.truth,
                    seen=report.seen,
                    gzipped=number % 2 == 0,
                    reload_seconds=reload_seconds,
                )
                group.create_task(self._watch(viewer, after_seconds=number * within_seconds / count))

    async def _watch(self, viewer: Viewer, *, after_seconds: float) -> None:
        await asyncio.sleep(after_seconds)
        await viewer.watch(until=self._until)

    async def _incidents(
        self, group: asyncio.TaskGroup, endpoint: CreatedEndpoint, encoders: EncoderPair, *, late: int
    ) -> None:
        began = time.monotonic()
        end = began + self._run.duration_seconds
        minute = min(60.0, self._run.duration_seconds)
        lost = 0

        async def lose() -> None:
            nonlocal lost
            active = await asyncio.to_thread(self._control.active_input, endpoint)
            lost = active or 1
            await encoders.go_away(lost)

        async def look() -> None:
            for report in self._run.reports.values():
                self._run.inspected += await inspect(report.cdn, truth=self._run.truth)

        async def join_late() -> None:
            self._join(group, late)

        incidents: list[tuple[float, str, Callable[[], Awaitable[None]]]] = [
            (0.25, "egress 1 is killed and started again", lambda: self._kill(0)),
            (0.40, "the encoder that is followed goes away", lose),
            (0.55, "viewers join late", join_late),
            (0.60, "", look),
            (0.70, "the encoder comes back", lambda: encoders.come_back(lost)),
            (0.80, "egress 2 is killed and started again", lambda: self._kill(1)),
        ]
        start = began
        while start + minute <= end + 1:
            for share, what, happen in incidents:
                await self._wait_until(start + share * minute)
                if what:
                    self._say(f"{time.monotonic() - began:5.0f} s  {what}; {self._standing()}")
                await happen()
            incidents = [incident for incident in incidents if incident[2] is not join_late]  # once is enough
            start += minute
        await self._wait_until(end)

    async def _wait_until(self, at: float) -> None:
        await asyncio.sleep(max(0.0, at - time.monotonic()))

    async def _kill(self, index: int) -> None:
        replica = self._replicas[index]
        replica.kill()
        self._run.kills += 1
        replica.start()

    async def _black_out(self) -> None:
        """Nobody is there: what is old is shown for a while, an error is not kept."""
        truth = self._run.truth
        known = max(truth.first_shown_at)
        while known == max(truth.first_shown_at):
            await truth.next_version()
        assert truth.playlist is not None
        newest = urlsplit(truth.playlist.segments[-1].url).path
        for replica in self._replicas:
            replica.kill()
        self._say("all egress processes are killed and started again")
        await asyncio.sleep(_EXPIRED_SECONDS)
        exchanges = {name: Exchange(report.cdn.port) for name, report in self._run.reports.items()}
        for name, exchange in exchanges.items():
            playlist, segment = await exchange.request(truth.media), await exchange.request(newest)
            if playlist.status != 200:
                self._run.inspected.append(f"{name}: without egress a playlist of 2 s ago is {playlist.status}")
            if segment.status not in (502, 503):
                self._run.inspected.append(f"{name}: without egress a segment nobody has fetched is {segment.status}")
        for replica in self._replicas:
            replica.start()
        give_up_at = time.monotonic() + _RECOVERY_SECONDS
        for name, exchange in exchanges.items():
            while True:
                answer = await exchange.request(newest)
                if answer.status == 200:
                    break
                if time.monotonic() > give_up_at:
                    self._run.inspected.append(f"{name}: {newest} is {answer.status} although egress is back")
                    break
                await asyncio.sleep(0.1)
            exchange.close()

    def _standing(self) -> str:
        parts = []
        for name, report in self._run.reports.items():
            stale = max(report.seen.stale_seconds, default=0.0)
            parts.append(f"{name} {stale:.2f} s behind at most, {len(report.seen.problems)} problems")
        return "; ".join(parts)
