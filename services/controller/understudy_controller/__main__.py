"""``python -m understudy_controller``: one controller process, configured by its environment."""

from __future__ import annotations

import gc

from understudy_runtime.early_end import end_upon_sigterm

end_upon_sigterm()  # before all that takes long to load
gc.disable()  # until it is loaded (server.run): none of that is garbage, and to look for some takes a tenth of the time

import logging as standard_logging
from collections.abc import Sequence
from typing import Final

from understudy_controller.app import create_app
from understudy_controller.authentication.keys import access_keys_of
from understudy_controller.authentication.unsigned import is_reached_from_elsewhere
from understudy_controller.declare.part import declared_resources
from understudy_controller.loop.decision_loop import decision_loop
from understudy_controller.process import Part
from understudy_controller.settings import ControllerSettings
from understudy_controller.webhooks.part import webhooks
from understudy_domain.fold import __file__ as core_file
from understudy_runtime import logging, server, tracing
from understudy_runtime.access_keys import AccessKeysUnusable
from understudy_runtime.health import Health
from understudy_runtime.settings import read_settings

_log = standard_logging.getLogger("understudy_controller")

PARTS: Final[Sequence[Part]] = (decision_loop, declared_resources, webhooks)
"""What runs beside the control API, in order of starting."""


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    settings = read_settings(ControllerSettings)
    logging.configure(service="controller", level=settings.log_level, log_format=settings.log_format)
    _log.info("the decision core is %s", "interpreted" if core_file.endswith(".py") else "compiled")
    try:
        keys = access_keys_of(settings)
    except AccessKeysUnusable as err:
        raise SystemExit(str(err)) from None
    if keys is None and is_reached_from_elsewhere(settings):
        _log.warning(
            "the control API takes any request and can be reached from other machines: set "
            "UNDERSTUDY_AUTHENTICATION=sigv4, or UNDERSTUDY_LISTEN_HOST=127.0.0.1"
        )
    health = Health()
    with tracing.running(settings, service="controller") as tracer:
        server.run(
            lambda: create_app(settings, keys=keys, parts=PARTS, health=health, tracer=tracer),
            settings,
            on_drain=health.drain,
        )


if __name__ == "__main__":
    main()
