"""``/healthz``, ``/readyz`` and ``/metrics``, the same on every service, and what is answered to all else."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Lifespan

from understudy_runtime import metrics
from understudy_runtime.exposition import exposition

Check = Callable[[], str | None]
"""None where all is well, else a sentence that says what is not."""

_NO_STORE = {"cache-control": "no-store"}
_NOT_FOUND = 404
_METHOD_NOT_ALLOWED = 405


class Health:
    """What a service needs in order to take requests; synchronous checks of what is known already."""

    def __init__(self) -> None:
        self._checks: dict[str, Check] = {}
        self._draining = False
        self._has_been_ready = False
        self._on_drain: list[Callable[[], object]] = []

    def add_check(self, name: str, check: Check) -> None:
        """Make readiness depend on ``check``, shown under ``name``."""
        self._checks[name] = check

    def on_drain(self, give_up: Callable[[], object]) -> None:
        """Have ``give_up`` called once the process is told to end: for what others should take over at once.

        Where it has been told already, before this came to be, that is now.
        """
        self._on_drain.append(give_up)
        if self._draining:
            give_up()

    def drain(self) -> bool:
        """Be not ready from now on: the process is about to end, and is to be sent nothing new.

        Returns:
            Whether it was ever ready: nobody sends requests to one that was not.
        """
        was_ready = self._has_been_ready or self.report()[0]
        self._draining = True
        for give_up in self._on_drain:
            give_up()
        return was_ready

    def report(self) -> tuple[bool, dict[str, str]]:
        """Whether the service is ready, and for each check ``ok`` or what is wrong."""
        found = {name: check() or "ok" for name, check in self._checks.items()}
        if self._draining:
            found["drain"] = "shutting down"
        ready = all(state == "ok" for state in found.values())
        self._has_been_ready = self._has_been_ready or ready
        return ready, found


def health_app(health: Health, registry: CollectorRegistry, lifespan: Lifespan[Starlette]) -> Starlette:
    """What a service answers beside its own paths: these routes, and errors of the form of egress's for all else."""
    return Starlette(
        routes=health_routes(health, registry), lifespan=lifespan, exception_handlers={HTTPException: _of_http}
    )


async def _of_http(request: Request, err: Exception) -> Response:
    status = err.status_code if isinstance(err, HTTPException) else 500
    headers = dict(_NO_STORE)
    code, message = "http_error", str(err)
    if status == _NOT_FOUND:
        code, message = "unknown", "nothing is served under this path"
    elif status == _METHOD_NOT_ALLOWED:
        code, message = "method_not_allowed", f"{request.method} is not for reading; use GET or HEAD"
        headers["allow"] = "GET, HEAD"
    return JSONResponse({"code": code, "message": message}, status, headers=headers)


def health_routes(health: Health, registry: CollectorRegistry) -> list[Route]:
    """Routes for an application: ``app.router.routes.extend(health_routes(health, registry))``."""

    async def healthz(_: Request) -> Response:  # runs on the loop: it shows that the loop turns
        return JSONResponse({"status": "ok"}, headers=_NO_STORE)

    async def readyz(_: Request) -> Response:
        ready, checks = health.report()
        return JSONResponse({"ready": ready, "checks": checks}, 200 if ready else 503, headers=_NO_STORE)

    async def scrape(_: Request) -> Response:
        text = await exposition(registry)
        return Response(text, media_type=None, headers={"content-type": metrics.CONTENT_TYPE, **_NO_STORE})

    return [_route("/healthz", healthz), _route("/readyz", readyz), _route("/metrics", scrape)]


def _route(path: str, answer: Callable[[Request], Awaitable[Response]]) -> Route:
    """A route that is counted under its own name: unlike FastAPI's, these do not say which they are."""

    async def named(request: Request) -> Response:
        request.scope[metrics.ROUTE] = path
        return await answer(request)

    return Route(path, named, name=path.strip("/"))
