"""``python -m understudy_harvester``."""

from __future__ import annotations

import gc

from understudy_runtime.early_end import end_upon_sigterm

end_upon_sigterm()  # before all that takes long to load
gc.disable()  # until it is loaded (server.run): none of that is garbage, and to look for some takes a tenth of the time

from understudy_harvester.app import SERVICE, create_app
from understudy_harvester.settings import HarvesterSettings
from understudy_runtime import logging, server
from understudy_runtime.health import Health
from understudy_runtime.settings import read_settings


def main() -> None:
    """Work at jobs until told to end."""
    settings = read_settings(HarvesterSettings)
    logging.configure(service=SERVICE, level=settings.log_level, log_format=settings.log_format)
    health = Health()
    server.run(lambda: create_app(settings, health=health), settings, on_drain=health.drain)


if __name__ == "__main__":
    main()
