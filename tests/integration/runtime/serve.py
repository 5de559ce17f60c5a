"""A program that serves through the runtime, for ``test_server``: what a service's ``__main__`` is like."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import AsyncIterator

from fastapi import FastAPI, Response
from prometheus_client import CollectorRegistry

from understudy_runtime import logging, server
from understudy_runtime.health import Health, health_routes
from understudy_runtime.settings import CommonSettings


def main() -> None:
    settings = CommonSettings()
    logging.configure(service="test", log_format="text")
    health = Health()

    @contextlib.asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if "stuck" in sys.argv:
            print("starting", flush=True)
            await asyncio.Event().wait()
        if "broken" in sys.argv:
            raise RuntimeError("cannot start")
        print("started", flush=True)
        yield
        print("ended", flush=True)

    def create_app() -> FastAPI:
        app = FastAPI(lifespan=lifespan)
        app.router.routes.extend(health_routes(health, CollectorRegistry()))

        @app.get("/slow/{seconds}")
        async def slow(seconds: float) -> int:
            await asyncio.sleep(seconds)
            return os.getpid()

        @app.get("/large/{size}")
        async def large(size: int) -> Response:
            return Response(bytes(size))

        return app

    server.run(create_app, settings, on_drain=health.drain)


if __name__ == "__main__":
    main()
