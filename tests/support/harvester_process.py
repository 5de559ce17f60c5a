"""Harvester processes."""

from __future__ import annotations

from support.service_process import ServiceProcess


class HarvesterProcess(ServiceProcess):
    """`python -m understudy_harvester`."""

    service = "harvester"
