"""Pods that run: their processes, their probes, and their end."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Self

from support.deadline import eventually
from support.pods.environment import environment_of, expanded
from support.pods.manifests import Manifest, Manifests, Pod
from support.pods.translation import Network, command_of
from support.pods.volumes import Volumes

START_SECONDS = 60.0
INIT_SECONDS = 60.0
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")

_LOG_CHARACTERS = 3_000


class RunningPod:
    """The processes of one pod."""

    def __init__(self, pod: Pod, network: Network, manifests: Manifests, root: Path) -> None:
        self.pod = pod
        self._network = network
        self._manifests = manifests
        self._root = root / pod.name
        self._volumes = Volumes(manifests, pod, self._root / "volumes", claims=root / "claims")
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def address(self) -> str:
        """Its own of the loopback network."""
        return self._network.address(self.pod)

    def start(self) -> None:
        """Lay out its volumes, run what comes first to its end, and start the rest.

        Raises:
            AssertionError: the pod would not have come so far in a cluster either.
        """
        self._root.mkdir(parents=True)
        mounts = {path: at for one in self._all_containers() for path, at in self._volumes.mounts(one).items()}
        self._volumes.lay_out(lambda text: self._network.translate(text, self.pod, mounts))
        for container in self.pod.init_containers:
            status = self._run(container).wait(INIT_SECONDS)
            assert status == 0, f"{self.pod.name}: {container['name']} ended with {status}\n{self.log()}"
        for container in self.pod.containers:
            self._expect_free_ports(container)
            self._processes[container["name"]] = self._run(container)

    def wait_until_probes_answer(self) -> None:
        """Until every probe of every container has answered well.

        Raises:
            AssertionError: one did not, or a process ended.
        """
        for container in self.pod.containers:
            for name in PROBES:
                if name in container:
                    what = f"{name} of {self.pod.name}"
                    try:
                        eventually(
                            lambda probe=container[name], of=container: self._answers(probe, of),  # type: ignore[misc]
                            within_seconds=START_SECONDS,
                            what=what,
                        )
                    except AssertionError as err:
                        raise AssertionError(f"{err}\n{self.log()}") from None

    def wait_until_ended(self, *, within_seconds: float) -> None:
        """Until its containers have ended well, as those of ``helm test`` do.

        Raises:
            AssertionError: one failed.
            subprocess.TimeoutExpired: one goes on.
        """
        for name, process in self._processes.items():
            status = process.wait(within_seconds)
            assert status == 0, f"{name} of {self.pod.name} ended with {status}\n{self.log()}"

    def kill(self) -> None:
        """SIGKILL to all of it: how services end in good order is another test's concern."""
        for process in self._processes.values():
            process.kill()
        for process in self._processes.values():
            process.wait()

    def log(self) -> str:
        """What its containers have said last."""
        return "\n".join(
            f"--- {path.name}\n{path.read_text(errors='replace')[-_LOG_CHARACTERS:]}"
            for path in sorted(self._root.glob("*.log"))
        )

    def _all_containers(self) -> list[Manifest]:
        return [*self.pod.init_containers, *self.pod.containers]

    def _run(self, container: Manifest) -> subprocess.Popen[bytes]:
        rendered = environment_of(self._manifests, self.pod, container, address=self.address)
        mounts = self._volumes.mounts(container)
        environment = {name: self._network.variable(value, mounts) for name, value in rendered.items()}
        words = [expanded(word, rendered) for word in command_of(container)]
        command = [words[0], *(self._network.translate(word, self.pod, mounts) for word in words[1:])]
        folder = self._root / "cwd" / container["name"]
        folder.mkdir(parents=True)
        with (self._root / f"{container['name']}.log").open("ab") as log:
            return subprocess.Popen(
                command,
                env={**_of_the_image(), **environment, **_listening(environment, self.address)},
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _expect_free_ports(self, container: Manifest) -> None:
        for port in container.get("ports", []):
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind((self.address, port["containerPort"]))
                except OSError as err:
                    raise AssertionError(
                        f"port {port['containerPort']} of {self.pod.name} is taken: another program of this machine"
                        f" listens there on all addresses ({err})"
                    ) from err

    def _answers(self, probe: Manifest, container: Manifest) -> bool:
        process = self._processes[container["name"]]
        assert process.poll() is None, f"{container['name']} of {self.pod.name} ended with {process.returncode}"
        if "httpGet" in probe:
            request = probe["httpGet"]
            return _http_says_ok(f"http://{self.address}:{self.pod.port(request['port'])}{request['path']}")
        if "tcpSocket" in probe:
            with socket.socket() as sock:
                sock.settimeout(1)
                return sock.connect_ex((self.address, self.pod.port(probe["tcpSocket"]["port"]))) == 0
        raise AssertionError(f"a probe of another kind: {probe}")


class RunningPods:
    """All pods of a release, some of each workload."""

    def __init__(
        self,
        rendered: Sequence[Manifest],
        *,
        existing: Sequence[Manifest] = (),
        outside: Mapping[str, str] | None = None,
        replicas_max: int = 1,
    ) -> None:
        """``existing``: objects that the release expects in its namespace. ``outside``: see :class:`Network`."""
        self._manifests = Manifests(rendered, existing=existing)
        pods = self._manifests.pods(replicas_max=replicas_max)
        self.network = Network(self._manifests, pods, outside=outside or {})
        # Not under a test's own directory: a socket's path may have 107 characters.
        self._directory = tempfile.TemporaryDirectory(prefix="pods-")
        self.root = Path(self._directory.name)
        self.pods = [RunningPod(pod, self.network, self._manifests, self.root) for pod in pods]

    def run_tests(self, *, within_seconds: float) -> list[str]:
        """What ``helm test`` does; returns what each pod said.

        Raises:
            AssertionError: one failed, or there is none.
        """
        said = []
        for pod in self._manifests.test_pods():
            self.network.add(pod)
            running = RunningPod(pod, self.network, self._manifests, self.root)
            running.start()
            try:
                running.wait_until_ended(within_seconds=within_seconds)
            finally:
                running.kill()
            said.append(running.log())
        assert said, "the release has no tests"
        return said

    def __enter__(self) -> Self:
        try:
            with ThreadPoolExecutor(max_workers=max(1, len(self.pods))) as pool:
                # A cluster starts all of them at once, and so in no order.
                list(pool.map(lambda pod: pod.start(), self.pods))
                list(pool.map(lambda pod: pod.wait_until_probes_answer(), self.pods))
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """End all of them."""
        for pod in self.pods:
            pod.kill()
        self._directory.cleanup()


def _of_the_image() -> dict[str, str]:
    """What an image brings besides what is rendered: programs, and where its Python packages are."""
    return {name: os.environ[name] for name in ("PATH", "PYTHONPATH") if name in os.environ} | {
        "PYTHONUNBUFFERED": "1",
        "PYTHONHASHSEED": "random",
        "VIRTUAL_ENV": sys.prefix,
    }


def _listening(environment: Mapping[str, str], address: str) -> dict[str, str]:
    """On all addresses, which is what services do unless they are told, means on the pod's own."""
    name = "UNDERSTUDY_LISTEN_HOST"
    return {name: address} if environment.get(name, "0.0.0.0") in ("0.0.0.0", "::") else {}


def _http_says_ok(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(200 <= answer.status < 400)
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return False
