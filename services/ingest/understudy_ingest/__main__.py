"""``python -m understudy_ingest``."""

from __future__ import annotations

import gc

from understudy_runtime.early_end import end_upon_sigterm

end_upon_sigterm()  # before all that takes long to load
gc.disable()  # until it is loaded (server.run): none of that is garbage, and to look for some takes a tenth of the time

from understudy_ingest.allocator import keep_freed_memory
from understudy_ingest.app import SERVICE, create_app
from understudy_ingest.protocol import UploadProtocol
from understudy_ingest.settings import IngestSettings
from understudy_runtime import logging, tracing
from understudy_runtime.health import Health
from understudy_runtime.server import run
from understudy_runtime.settings import read_settings


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = read_settings(IngestSettings)
    logging.configure(service=SERVICE, level=settings.log_level, log_format=settings.log_format)
    keep_freed_memory()
    health = Health()
    with tracing.running(settings, service=SERVICE) as tracer:
        run(
            lambda: create_app(settings, health=health, tracer=tracer),
            settings,
            http=UploadProtocol,
            on_drain=health.drain,
        )


if __name__ == "__main__":
    main()
