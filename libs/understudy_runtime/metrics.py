"""Metrics: a registry of its own for each process, and what every HTTP service counts of its requests.

Nothing is global: whoever counts is given the registry.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from itertools import accumulate
from typing import Any

from prometheus_client import (
    CollectorRegistry,
    GCCollector,
    PlatformCollector,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.registry import Collector
from prometheus_client.utils import floatToGoString
from typing_extensions import override

from understudy_runtime import clock

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

CONTENT_TYPE = CONTENT_TYPE_LATEST

ROUTE = "understudy.route"
"""Key of the ASGI scope under which an application may name its route for the metrics."""

_REQUEST_SECONDS_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
_METHODS = frozenset({"GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"})


# A time of creation beside each counter and histogram would double what is scraped, and nobody asks for it.
disable_created_metrics()  # type: ignore[no-untyped-call]


def new_registry() -> CollectorRegistry:
    """A registry that has the process, platform and garbage collector in it already."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


class _RouteTimes:
    """The durations of one route's requests: how many in each bucket, and their sum."""

    __slots__ = ("buckets", "total_seconds")

    def __init__(self) -> None:
        self.buckets = [0] * (len(_REQUEST_SECONDS_BUCKETS) + 1)
        self.total_seconds = 0.0

    def cumulated(self) -> list[tuple[str, float]]:
        """As the exposition wants them: for each upper bound, how many up to it."""
        bounds = [*map(floatToGoString, _REQUEST_SECONDS_BUCKETS), "+Inf"]
        return list(zip(bounds, map(float, accumulate(self.buckets)), strict=True))


class HttpMetrics(Collector):
    """Requests counted and timed by route: a pattern, or ``unmatched``; never a path, which anybody can invent.

    Counted on the event loop alone, in plain numbers that become metrics when Prometheus asks: the library's own
    counters lock, and would cost a fifth of answering a playlist from memory.
    """

    def __init__(self, registry: CollectorRegistry, *, service: str) -> None:
        self._service = service
        self._counts: dict[tuple[str, str, int], list[int]] = {}
        self._times: dict[str, _RouteTimes] = {}
        self._recorders: dict[tuple[str, str, int], Callable[[float], None]] = {}
        registry.register(self)

    def recorder(self, route: str, method: str, status: int) -> Callable[[float], None]:
        """A function that counts one such request, given its seconds; keep it where that matters."""
        key = (route, method if method in _METHODS else "other", status)
        found = self._recorders.get(key)
        if found is None:
            found = self._recorders[key] = self._recorder(*key)
        return found

    def observe(self, route: str, method: str, status: int, seconds: float) -> None:
        """Count one request."""
        self.recorder(route, method, status)(seconds)

    def _recorder(self, route: str, method: str, status: int) -> Callable[[float], None]:
        count = self._counts.setdefault((route, method, status), [0])
        times = self._times.setdefault(route, _RouteTimes())
        buckets = times.buckets

        def record(seconds: float) -> None:
            count[0] += 1
            times.total_seconds += seconds
            buckets[bisect_left(_REQUEST_SECONDS_BUCKETS, seconds)] += 1

        return record

    @override
    def collect(self) -> Iterator[Metric]:
        """All requests so far."""
        requests = CounterMetricFamily(
            "understudy_http_requests",
            "Requests answered. 499: the client went away first.",
            labels=("component", "route", "method", "status"),
        )
        for (route, method, status), count in self._counts.items():
            requests.add_metric((self._service, route, method, str(status)), count[0])
        yield requests
        seconds = HistogramMetricFamily(
            "understudy_http_request_seconds",
            "From the head of a request to the end of its answer.",
            labels=("component", "route"),
        )
        for route, times in self._times.items():
            seconds.add_metric((self._service, route), times.cumulated(), times.total_seconds)
        yield seconds


class HttpMetricsMiddleware:
    """Pure ASGI: counts every HTTP request that passes through it."""

    def __init__(self, app: App, *, metrics: HttpMetrics) -> None:
        self._app = app
        self._metrics = metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and count it when it has ended."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = clock.monotonic()
        status = 499

        async def observed(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, observed)
        except Exception:
            status = 500
            raise
        finally:
            self._metrics.observe(_route(scope), scope["method"], status, clock.monotonic() - started)


def _route(scope: Scope) -> str:
    named = scope.get(ROUTE)
    if named is not None:
        return str(named)
    return getattr(scope.get("route"), "path", "unmatched")
