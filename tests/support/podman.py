"""podman with a storage of its own, images built in it, and services that run in containers as a cluster runs them."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from typing_extensions import override

from support.browser import MissingProgram
from support.dockerfile import ROOT, SERVICES
from support.service_process import ServiceProcess
from support.whereabouts import Credentials
from understudy_runtime.settings import CommonSettings

PROGRAMS = ("podman", "runc", "debootstrap", "make")
"""Each is in the Debian package of its name."""
DEBIAN = "bookworm"
PYTHON = (3, 11)
"""Debian's there."""
COMPILER = ("gcc", "libc6-dev", "python3-dev")
"""What the decision core is compiled with."""
RESTRICTED = ("--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL", "--security-opt=no-new-privileges")
"""What the restricted pod security standard asks for, and a root without a single place to write to."""

_BUILD_SECONDS = 900


def require_programs() -> None:
    """See that images can be built here.

    Raises:
        MissingProgram: a program is missing, or these are not root's tests.
    """
    missing = [program for program in PROGRAMS if not _find(program)]
    if missing:
        raise MissingProgram(f"images cannot be built here: apt-get install {' '.join(missing)}")
    if os.geteuid() != 0:
        raise MissingProgram("images cannot be built here: only root can make their base with debootstrap")
    if sys.version_info[:2] != PYTHON:
        raise MissingProgram(
            f"images cannot be built here: their wheels have to be fetched by Python {'.'.join(map(str, PYTHON))}"
        )


def _find(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path="/usr/sbin:/sbin")


class Podman:
    """One storage; whoever made it calls ``close``, which leaves nothing of it."""

    def __init__(self) -> None:
        # Not below a test's own directory: paths of sockets may have 107 characters.
        self._directory = Path(tempfile.mkdtemp(prefix="images-"))
        config = self._directory / "containers.conf"
        # Or else it asks for limits that root may not have in a sandbox.
        config.write_text('[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n')
        self.command = [
            *("env", f"CONTAINERS_CONF={config}"),
            *("podman", "--root", str(self._directory / "storage"), "--runroot", str(self._directory / "run")),
            *("--tmpdir", str(self._directory / "tmp"), "--runtime", "runc"),
            *("--cgroup-manager", "cgroupfs", "--events-backend", "none"),
        ]

    def __call__(self, *arguments: str, within_seconds: float = 120) -> str:
        """Run it; what it has written to standard output.

        Raises:
            AssertionError: it failed; the message has what it said.
        """
        return _run([*self.command, *arguments], within_seconds=within_seconds)

    def make_bases(self, *, runtime: str, build: str) -> None:
        """Debian's smallest system with Python, and the same with pip and a compiler.

        As in Python's own images there is no byte code in the first: what a start needs has to be in the layers above.
        """
        tree = self._directory / "tree"
        packages = "--include=python3,ca-certificates"
        _run([str(_find("debootstrap")), "--variant=minbase", packages, DEBIAN, str(tree)])
        _run(["chroot", str(tree), "apt-get", "clean"])
        self._import(tree, runtime, "--exclude=__pycache__", "--exclude=./var/lib/apt/lists/*")
        install = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "install", "-qq", "--no-install-recommends"]
        _run(["chroot", str(tree), *install, "python3-pip", "python3-venv", *COMPILER])
        self._import(tree, build)
        shutil.rmtree(tree)

    def _import(self, tree: Path, name: str, *options: str) -> None:
        archive = self._directory / "base.tar"
        _run(["tar", "--create", "--file", str(archive), *options, "--directory", str(tree), "."])
        self("import", str(archive), name)
        archive.unlink()

    def make_images(self, wheels: Path, *, tag: str, base: str, build: str, services: Sequence[str] = SERVICES) -> None:
        """`make images`, with this storage and nothing pulled; nothing already built is used again."""
        _run([
            *("make", "images", f"WHEELS={wheels}", f"TAG={tag}"),
            *(f"CONTAINER_TOOL={' '.join(self.command)}", f"SERVICES={' '.join(services)}"),
            *(f"BASE_IMAGE={base}", f"BUILD_IMAGE={build}", "BUILDFLAGS=--pull=never --network=none --no-cache"),
        ])  # fmt: skip

    def inspect(self, image: str) -> dict[str, Any]:
        """What an image says of itself."""
        (found,) = json.loads(self("image", "inspect", image))
        assert isinstance(found, dict)
        return found

    def run(self, image: str, *words: str, network: str = "none", within_seconds: float = 120) -> str:
        """What a Python with these arguments prints in a container of the image."""
        options = ["--rm", *RESTRICTED, f"--network={network}", "--entrypoint", "python"]
        return self("run", *options, image, *words, within_seconds=within_seconds)

    def look(self, image: str, program: str) -> Any:
        """What a Python program prints in a container of the image, parsed as JSON."""
        return json.loads(self.run(image, "-P", "-c", program))

    def close(self) -> None:
        """End what is left of containers, and remove all storage."""
        try:
            self("rm", "--all", "--force", "--time=0")
        finally:
            # The storage is a mount of its own, and what a build was about when it was broken off are others.
            mounted = [line.split()[1] for line in Path("/proc/mounts").read_text().splitlines()]
            for path in reversed(mounted):
                if path.startswith(f"{self._directory}/"):
                    subprocess.run(["umount", "--lazy", path], check=False, capture_output=True)
            shutil.rmtree(self._directory)


def fetch_wheels(folder: Path) -> None:
    """`make wheels`, by the Python that runs the tests."""
    _run(["make", "wheels", f"PYTHON={sys.executable}", f"WHEELS={folder}"])


def _run(command: Sequence[str], *, within_seconds: float = _BUILD_SECONDS) -> str:
    # A session of its own: what a command has started is ended with it.
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, start_new_session=True
    ) as process:
        try:
            out, error = process.communicate(timeout=within_seconds)
        except BaseException:
            os.killpg(process.pid, signal.SIGKILL)
            raise
    said = f"{out[-3000:]}\n{error[-3000:]}"
    assert process.returncode == 0, f"{' '.join(command)} ended with {process.returncode}\n{said}"
    return out


class ContainerProcess(ServiceProcess):
    """A service in a container of its image, on the machine's own network, as restricted as can be."""

    holds_socket: ClassVar[bool] = False
    start_seconds: ClassVar[float] = 120.0

    def __init__(
        self, podman: Podman, service: str, directory: Path, settings: CommonSettings, *, tag: str, **extra: str
    ) -> None:
        self.service = service
        super().__init__(directory, settings, **extra)
        self.name = f"{service}-{self.port}"
        self._podman = podman
        self._image = f"localhost/understudy-{service}:{tag}"

    @override
    def command(self) -> list[str]:
        """In the foreground: podman passes signals on, and ends with the container's status."""
        environment = [word for name in self._settings for word in ("--env", name)]
        options = ["--rm", "--name", self.name, "--network=host", *RESTRICTED, *environment]
        return [*self._podman.command, "run", *options, self._image]

    def pid(self) -> int:
        """Of the service, as this machine numbers it."""
        return int(self._podman("inspect", "--format", "{{.State.Pid}}", self.name))

    @override
    def kill(self) -> None:
        """SIGKILL to the service: podman, which is told no more, ends with it."""
        if self._process is not None:
            self._podman("rm", "--force", "--time=0", "--ignore", self.name)
        super().kill()


@dataclass(frozen=True, slots=True)
class ContainerStack:
    """Four services in containers; NATS and S3 are processes beside them."""

    services: dict[str, ContainerProcess]
    credentials: Credentials
    nats_url: str
    s3_url: str
    started: dict[str, float]
    """Seconds from `podman run` until each was ready."""

    @property
    def api_url(self) -> str:
        """Of the control API."""
        return self.services["controller"].url

    def service_url(self, service: str) -> str:
        """Where ``/healthz``, ``/readyz`` and ``/metrics`` of a service are."""
        return self.services[service].url

    def describe(self) -> str:
        """For messages: what they have said."""
        return "\n".join(f"--- {name}\n{process.log()[-4000:]}" for name, process in self.services.items())
