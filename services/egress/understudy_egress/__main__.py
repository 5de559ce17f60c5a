"""``python -m understudy_egress``."""

from __future__ import annotations

import gc

from understudy_runtime.early_end import end_upon_sigterm

end_upon_sigterm()  # before all that takes long to load
gc.disable()  # until it is loaded (server.run): none of that is garbage, and to look for some takes a tenth of the time

from understudy_egress.app import SERVICE, ProcessContext, create_app
from understudy_egress.protocol import FastPathProtocol
from understudy_egress.settings import EgressSettings
from understudy_runtime import logging, server, tracing
from understudy_runtime.settings import read_settings


def main() -> None:
    """Serve until told to end."""
    settings = read_settings(EgressSettings)
    logging.configure(service=SERVICE, level=settings.log_level, log_format=settings.log_format)
    with tracing.running(settings, service=SERVICE) as tracer:
        context = ProcessContext.of(settings, tracer=tracer)
        server.run(
            lambda: create_app(context),
            settings,
            http=FastPathProtocol.bound(context.shown, context.http_metrics, context.access_log),
            on_drain=context.health.drain,
        )


if __name__ == "__main__":
    main()
