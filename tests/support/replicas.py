"""Processes arranged as the chart arranges pods: two of each service behind a load balancer, replaced one by one."""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from support.haproxy import LoadBalancer
from support.service_process import REPOSITORY, ServiceProcess
from support.whereabouts import Credentials
from understudy_runtime.settings import CommonSettings

CHART_VALUES = REPOSITORY / "deploy" / "helm" / "understudy" / "values.yaml"
_CLOSING_SECONDS = 15
"""What the chart adds to the time that a service may take by its settings."""


@dataclass(frozen=True, slots=True)
class Ending:
    """What the chart tells a pod, and the kubelet, about its end."""

    drain_delay_seconds: float
    drain_seconds: float

    @classmethod
    def of_the_chart(cls) -> Ending:
        """The chart's defaults."""
        config = yaml.safe_load(CHART_VALUES.read_text())["config"]
        return cls(config["drainDelaySeconds"], config["drainSeconds"])

    @property
    def grace_seconds(self) -> int:
        """From SIGTERM to SIGKILL."""
        return math.ceil(self.drain_delay_seconds + self.drain_seconds) + _CLOSING_SECONDS


@dataclass(frozen=True, slots=True)
class Ended:
    """A process that was told to end."""

    name: str
    status: int
    told_at: float
    """Seconds since the epoch."""
    took_seconds: float
    log: str


class Pod(ServiceProcess):
    """One process on an address of its own, where nothing listens once it is gone."""

    holds_socket = False
    start_seconds = 90.0

    @classmethod
    def of(cls, service: str) -> type[Pod]:
        """The class for a service's."""
        return type(f"{service.capitalize()}Pod", (cls,), {"service": service})


class Deployment:
    """Two processes of a service, as the chart starts them."""

    def __init__(
        self,
        service: str,
        *,
        directory: Path,
        settings: CommonSettings,
        ending: Ending,
        balancer: LoadBalancer,
        more: Mapping[str, str],
    ) -> None:
        self.service = service
        self.pods: list[Pod] = []
        """Those that are to stay."""
        self._all: list[Pod] = []
        self._directory = directory
        self._settings = settings
        self._ending = ending
        self._balancer = balancer
        self._more = more
        self._going: list[Future[Ended]] = []
        self._threads = ThreadPoolExecutor(4, thread_name_prefix=f"end of {service}")

    def start(self, replicas: int) -> None:
        """All at once, without waiting."""
        self.pods = [self._start() for _ in range(replicas)]

    def wait_until_ready(self) -> None:
        """Until all are ready, and in service."""
        for pod in self.pods:
            pod.wait_until_ready()
            self._balancer.add(self.service, pod.port)

    def roll(self) -> None:
        """One after the other: a new one first, then an old one goes, and is not waited for.

        The load balancer is not told that it goes. A Deployment does the same (maxSurge 1, maxUnavailable 0), only that
        it waits for minReadySeconds besides.
        """
        for old in list(self.pods):
            new = self._start()
            new.wait_until_ready()
            self._balancer.add(self.service, new.port)
            self.pods = [*(pod for pod in self.pods if pod is not old), new]
            old.terminate()
            self._going.append(self._threads.submit(self._see_off, old, time.time()))

    def ended(self) -> list[Ended]:
        """All that were told to end, once they have."""
        return [one.result() for one in self._going]

    def close(self) -> None:
        """End everything at once."""
        self._threads.shutdown()
        for pod in self._all:
            pod.close()

    def _start(self) -> Pod:
        pod = Pod.of(self.service)(
            self._directory,
            self._settings,
            name=f"{self.service}-{len(self._all) + 1}",
            drain_delay_seconds=str(self._ending.drain_delay_seconds),
            drain_seconds=str(self._ending.drain_seconds),
            **self._more,
        )
        self._all.append(pod)
        pod.start()
        return pod

    def _see_off(self, pod: Pod, told_at: float) -> Ended:
        status = pod.wait(within_seconds=self._ending.grace_seconds)
        return Ended(pod.name, status, told_at, time.time() - told_at, pod.log())


class Cluster:
    """All services, on one NATS server and one S3 server; ``Whereabouts``."""

    def __init__(
        self,
        directory: Path,
        *,
        settings: CommonSettings,
        ending: Ending,
        balancer: LoadBalancer,
        ways: Mapping[str, str],
    ) -> None:
        """``ways``: the balancer's, by use: ``ingest``, ``second_ingest``, ``egress`` and ``controller``."""
        self._settings = settings
        urls = {use: balancer.urls[way] for use, way in ways.items()}
        self._urls = urls
        public = {
            "ingest_public_url": urls["ingest"],
            "second_ingest_public_url": urls["second_ingest"],
            "egress_public_url": urls["egress"],
            "authentication": "none",
        }
        self.deployments = [
            Deployment(service, directory=directory, settings=settings, ending=ending, balancer=balancer, more=more)
            for service, more in {"ingest": {}, "controller": public, "egress": {}, "harvester": {}}.items()
        ]

    def start(self) -> None:
        """Two of each, ready."""
        for deployment in self.deployments:
            deployment.start(2)
        for deployment in self.deployments:
            deployment.wait_until_ready()

    def logs(self) -> dict[str, str]:
        """What each process that still runs has said, by name."""
        return {pod.name: pod.log() for deployment in self.deployments for pod in deployment.pods}

    def close(self) -> None:
        """End everything at once."""
        with contextlib.ExitStack() as stack:
            for deployment in self.deployments:
                stack.callback(deployment.close)

    # --- its whereabouts ----------------------------------------------------------------------------------------------

    @property
    def api_url(self) -> str:
        """Of the control API."""
        return self._urls["controller"]

    @property
    def nats_url(self) -> str:
        """Of NATS."""
        return self._settings.nats_url

    @property
    def s3_url(self) -> str:
        """Of the S3 service."""
        return self._settings.s3_endpoint_url or ""

    @cached_property
    def credentials(self) -> Credentials:
        """For the control API and S3."""
        secret: Any = self._settings.s3_secret_access_key
        return Credentials(self._settings.s3_access_key_id or "", secret.get_secret_value(), self._settings.s3_region)

    def service_url(self, service: str) -> str:
        """Through the load balancer: of whichever process answers."""
        return self._urls[service]
