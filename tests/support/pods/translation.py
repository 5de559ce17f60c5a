"""The one place that knows what this machine has otherwise than a cluster.

1. **A pod's address** is one of the loopback network, 127.a.b.c, of its own; so ports stay as they were rendered, and
   two pods may listen on the same one. "All addresses" and "this very pod" (``0.0.0.0``, ``127.0.0.1``, ``localhost``)
   in arguments and mounted files become that address; services of ours are told it by ``UNDERSTUDY_LISTEN_HOST``.
2. **Names of Services**, in any of their forms, followed by one of the Service's ports, become the address and the port
   of a pod that the Service selects. A port that it does not have is left as it is, and leads nowhere.
3. **Names outside the release** become what the test says.
4. **Paths that are mounted** become the folders of the volumes. A path that is not mounted stays, and is not there.
5. **An image's program** is found by the image's name, and ``python`` is the one that runs the tests.
"""

from __future__ import annotations

import random
import re
import sys
import sysconfig
from collections.abc import Mapping, Sequence
from pathlib import Path

from support.pods.manifests import NAMESPACE, Manifest, Manifests, Pod

_HERE = re.compile(r"(?<![\w.])(?:0\.0\.0\.0|127\.0\.0\.1|localhost)(?![\w.])")
_PORT_OF_SCHEME = {"http": 80, "https": 443}
_ENTRYPOINTS = {"nats": ["nats-server"], "seaweedfs": ["weed"]}
_SERVICES = ("ingest", "controller", "egress", "harvester")


class Network:
    """Which pod has which address, and where names lead."""

    def __init__(self, manifests: Manifests, pods: Sequence[Pod], *, outside: Mapping[str, str]) -> None:
        """``outside``: addresses with ports, by names with ports, of what the release only names."""
        self._manifests = manifests
        self._pods = list(pods)
        self._outside = dict(outside)
        # Not the same for two runs side by side; 127.0 is left to everybody else.
        self._block = f"127.{random.randint(16, 250)}.{random.randint(0, 250)}"

    def add(self, pod: Pod) -> None:
        """A pod that comes later."""
        self._pods.append(pod)

    def address(self, pod: Pod) -> str:
        """A pod's."""
        return f"{self._block}.{self._pods.index(pod) + 1}"

    def endpoint(self, service: str, port: str | int) -> str:
        """Address and port behind a Service's port, by number or by name.

        Raises:
            AssertionError: there is no such Service or port, or it selects no pod.
        """
        rendered = self._manifests.find("Service", service)
        assert rendered is not None, f"no Service {service}"
        for one in rendered["spec"]["ports"]:
            if port in (one["port"], one.get("name")):
                pod = self._selected(rendered)
                return f"{self.address(pod)}:{pod.port(one.get('targetPort', one['port']))}"
        raise AssertionError(f"Service {service} has no port {port}")

    def translate(self, text: str, pod: Pod, mounts: Mapping[str, Path]) -> str:
        """An argument, or the text of a mounted file, as a pod's process is to see it."""
        return self.names(_paths(_HERE.sub(self.address(pod), text), mounts))

    def names(self, text: str) -> str:
        """With the names of Services, and of what is outside, replaced."""
        for service in self._manifests.of_kind("Service"):
            text = self._service(text, service)
        for name, address in self._outside.items():
            text = re.sub(rf"(?<![\w.-]){re.escape(name)}(?!\d)", address, text)
        return text

    def variable(self, value: str, mounts: Mapping[str, Path]) -> str:
        """The value of a variable: what it says of addresses to listen on stays, it may be said to others."""
        return self.names(_paths(value, mounts))

    def _service(self, text: str, service: Manifest) -> str:
        name = re.escape(service["metadata"]["name"])
        forms = rf"{name}(?:\.{NAMESPACE}(?:\.svc(?:\.cluster\.local)?)?)?"
        for port in service["spec"]["ports"]:
            # Not resolved before somebody needs it: a Service may be there for pods that this run leaves out.
            if re.search(rf"(?<![\w.-]){forms}:{port['port']}(?!\d)", text):
                found = self.endpoint(service["metadata"]["name"], port["port"])
                text = re.sub(rf"(?<![\w.-]){forms}:{port['port']}(?!\d)", found, text)
            for scheme, number in _PORT_OF_SCHEME.items():
                plain = rf"(?<![\w.-]){scheme}://{forms}(?![\w.:-])"
                if number == port["port"] and re.search(plain, text):
                    found = self.endpoint(service["metadata"]["name"], port["port"])
                    text = re.sub(plain, f"{scheme}://{found}", text)
        return text

    def _selected(self, service: Manifest) -> Pod:
        selector = service["spec"].get("selector") or {}
        for pod in self._pods:
            if selector and selector.items() <= pod.labels.items():
                return pod
        raise AssertionError(f"Service {service['metadata']['name']} selects no pod: {selector}")


def command_of(container: Manifest) -> list[str]:
    """What a container runs, its program one of this machine.

    Raises:
        AssertionError: its image is none that has a program here.
    """
    repository = container["image"].rpartition("@")[0] or container["image"]
    name = repository.rpartition("/")[2].partition(":")[0]
    words = container.get("command") or _entrypoint(name)
    return [_program(words[0]), *words[1:], *container.get("args", [])]


def _entrypoint(image: str) -> list[str]:
    for service in _SERVICES:
        if image == f"understudy-{service}":
            return ["python", "-m", f"understudy_{service}"]
    assert image in _ENTRYPOINTS, f"nothing is known of an image {image}"
    return _ENTRYPOINTS[image]


def _program(name: str) -> str:
    name = name.rpartition("/")[2]
    if name in ("python", "python3"):
        return sys.executable
    path = Path(sysconfig.get_path("scripts")) / name
    assert name in ("nats-server", "weed"), f"no image has a program {name}"
    return str(path)


def _paths(text: str, mounts: Mapping[str, Path]) -> str:
    if not mounts:
        return text
    alternatives = "|".join(re.escape(path) for path in sorted(mounts, key=len, reverse=True))
    return re.sub(rf"(?<![\w./-])(?:{alternatives})(?![\w.-])", lambda match: str(mounts[match[0]]), text)
