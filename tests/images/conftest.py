"""The images, built once on a base that is made here, and a stack whose services are containers of them."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.browser import MissingProgram
from support.dockerfile import SERVICES
from support.object_store import S3Server
from support.podman import ContainerProcess, ContainerStack, Podman, fetch_wheels, require_programs
from support.whereabouts import Credentials
from understudy_runtime.settings import CommonSettings

TAG = "tried"
BASES = {"base": "localhost/understudy-base:runtime", "build": "localhost/understudy-base:build"}


@pytest.fixture(scope="session")
def podman() -> Iterator[Podman]:
    """A storage with two bases in it."""
    try:
        require_programs()
    except MissingProgram as missing:
        missing.skip()
    podman = Podman()
    try:
        podman.make_bases(runtime=BASES["base"], build=BASES["build"])
        yield podman
    finally:
        podman.close()


@pytest.fixture(scope="session")
def bases(podman: Podman) -> dict[str, str]:
    """What to build on: ``base`` has Python alone, ``build`` has pip too."""
    return BASES


@pytest.fixture(scope="session")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheels are that images are built from."""
    folder = tmp_path_factory.mktemp("wheels")
    fetch_wheels(folder)
    return folder


@pytest.fixture(scope="session")
def images(podman: Podman, wheels: Path, bases: dict[str, str]) -> dict[str, str]:
    """The image of each service, built as users build it."""
    podman.make_images(wheels, tag=TAG, **bases)
    return {service: f"localhost/understudy-{service}:{TAG}" for service in SERVICES}


@pytest.fixture(scope="session")
def stack(
    podman: Podman,
    images: dict[str, str],
    shared_settings: CommonSettings,
    s3_server: S3Server,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[ContainerStack]:
    """A container of each image, ready."""
    directory = tmp_path_factory.mktemp("logs")

    def make(service: str, **extra: str) -> ContainerProcess:
        return ContainerProcess(podman, service, directory, shared_settings, tag=TAG, **extra)

    services = {service: make(service, drain_delay_seconds="2") for service in ("ingest", "egress", "harvester")}
    services["controller"] = make(
        "controller",
        authentication="none",
        drain_delay_seconds="2",
        ingest_public_url=services["ingest"].url,
        egress_public_url=services["egress"].url,
    )
    credentials = Credentials(s3_server.access_key_id, s3_server.secret_access_key, s3_server.region)
    with contextlib.ExitStack() as cleanup:
        started = {}
        for service, process in services.items():
            cleanup.callback(process.kill)
            began = time.monotonic()
            process.start()
            process.wait_until_ready()
            started[service] = time.monotonic() - began
        yield ContainerStack(services, credentials, shared_settings.nats_url, s3_server.url, started)
