"""Volumes as folders, with the files of ConfigMaps and Secrets laid out as a kubelet does it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from support.pods.environment import content_of
from support.pods.manifests import Manifest, Manifests, Pod

Translate = Callable[[str], str]
"""Of the text of a mounted file."""


class Volumes:
    """The volumes of one pod, each a folder under ``root``."""

    def __init__(self, manifests: Manifests, pod: Pod, root: Path, *, claims: Path) -> None:
        """``claims``: where the folders of claims that outlive the pod are."""
        self._manifests = manifests
        self._pod = pod
        self._root = root
        self._claims = claims

    def lay_out(self, translate: Translate) -> None:
        """Make every volume, and fill those that hold what was rendered.

        Raises:
            AssertionError: what a volume is made of is not there.
        """
        for name, volume in self._all():
            folder = self.folder(name)
            folder.mkdir(parents=True, exist_ok=True)
            if volume.keys() & {"configMap", "secret", "projected"}:
                _write(folder, dict(self._files(volume)), translate)

    def folder(self, name: str) -> Path:
        """Where a volume is."""
        if name in self._pod.claims:
            return self._claims / f"{name}-{self._pod.name}"
        for found, volume in self._all():
            if found == name and "persistentVolumeClaim" in volume:
                claim = volume["persistentVolumeClaim"]["claimName"]
                rendered = self._manifests.find("PersistentVolumeClaim", claim)
                assert rendered is not None, f"no PersistentVolumeClaim {claim}: {self._pod.name} would wait for it"
                return self._claims / str(claim)
        return self._root / name

    def mounts(self, container: Manifest) -> dict[str, Path]:
        """Where a container sees what: the paths that it knows, and those of this machine.

        Raises:
            AssertionError: it mounts what the pod does not have.
        """
        known = {name for name, _ in self._all()} | set(self._pod.claims)
        found = {}
        for mount in container.get("volumeMounts", []):
            assert mount["name"] in known, f"{self._pod.name} mounts volume {mount['name']}, which it does not have"
            found[mount["mountPath"].rstrip("/")] = self.folder(mount["name"]) / mount.get("subPath", "")
        return found

    def _all(self) -> Iterator[tuple[str, Manifest]]:
        for volume in self._pod.spec.get("volumes", []):
            yield volume["name"], volume
        for claim in self._pod.claims:
            yield claim, {"claim": claim}

    def _files(self, volume: Manifest) -> Iterator[tuple[str, bytes]]:
        sources: Sequence[Mapping[str, Any]] = volume.get("projected", {}).get("sources", [volume])
        for source in sources:
            for key, kind in (("configMap", "ConfigMap"), ("secret", "Secret")):
                if key in source:
                    yield from self._keys(kind, source[key])

    def _keys(self, kind: str, source: Mapping[str, Any]) -> Iterator[tuple[str, bytes]]:
        name = source.get("secretName") or source["name"]
        optional = source.get("optional", False)
        held = content_of(self._manifests, kind, name, optional=optional)
        if held is None:
            return
        if "items" not in source:
            yield from held.items()
            return
        for item in source["items"]:
            if item["key"] in held:
                yield item["path"], held[item["key"]]
            else:
                assert optional, f"{kind} {name} has no key {item['key']}: {self._pod.name} would never start"


def _write(folder: Path, files: Mapping[str, bytes], translate: Translate) -> None:
    """Files in a folder of their own that a link names: replaced as a whole, as a kubelet replaces them."""
    data = folder / "..2026_11_23_00_00_00.1"
    data.mkdir(exist_ok=True)
    for name, content in files.items():
        path = data / name
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            path.write_text(translate(content.decode()))
        except UnicodeDecodeError:
            path.write_bytes(content)
    current = folder / "..data"
    current.unlink(missing_ok=True)
    current.symlink_to(data.name)
    for name in {Path(name).parts[0] for name in files}:
        link = folder / name
        link.unlink(missing_ok=True)
        link.symlink_to(Path("..data") / name)
