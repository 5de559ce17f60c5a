"""What is in the images, what is not, and that they can be made again."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from deploy.compiled.choice import compiled_modules
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.dockerfile import ROOT, SERVICES
from support.podman import Podman

each_service = pytest.mark.parametrize("service", SERVICES)

CONTENTS = """
import json, os, stat, sys
from importlib import metadata
import understudy_domain.fold

def files(top):
    return [os.path.join(folder, name) for folder, _, names in os.walk(top) for name in names]

def writable(top):
    found = []
    for folder, folders, names in os.walk(top):
        folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/dev")]
        for name in [*folders, *names]:
            path = os.path.join(folder, name)
            if not os.path.islink(path) and os.access(path, os.W_OK):
                found.append(path)
    return found

bound = files("/opt/understudy")
print(json.dumps({
    "core": understudy_domain.fold.__file__,
    "python": list(sys.version_info[:2]),
    "distributions": {one.metadata["Name"]: one.version for one in metadata.distributions(path=sys.path[3:])},
    "programs": [name for folder in os.environ["PATH"].split(":") for name in os.listdir(folder)],
    "tests": [path for path in bound if "/tests/" in path],
    "code": sorted(os.path.relpath(path, "/opt/understudy/app") for path in files("/opt/understudy/app")),
    "others": [path for path in bound if os.stat(path).st_uid or os.stat(path).st_mode & 0o022],
    "privileged": [path for path in bound if os.stat(path).st_mode & (stat.S_ISUID | stat.S_ISGID)],
    "caches": [path for path in ("/root/.cache", "/.cache", "/opt/understudy/.cache") if os.path.exists(path)],
    "writable": writable("/"),
    "uid": os.getuid(), "gid": os.getgid(),
}))
"""
LOADED = """
import importlib, json, os, sys
from importlib.util import cache_from_source

importlib.import_module("understudy_SERVICE.__main__")
files = [getattr(module, "__file__", None) or "" for module in list(sys.modules.values())]
print(json.dumps([
    [file, cache_from_source(file)]
    for file in files
    if file.endswith(".py")
    and not (cache_from_source(file).startswith("/opt/understudy/cache/") and os.path.exists(cache_from_source(file)))
]))
"""


def locked(service: str, python: list[int]) -> dict[str, str]:
    """Names and versions of what an image has to hold."""
    lines = re.findall(r"^([A-Za-z0-9].*?)(?: \\)?$", (ROOT / f"requirements/{service}.txt").read_text(), re.MULTILINE)
    version = ".".join(map(str, python))
    environment = {"python_version": version, "python_full_version": f"{version}.0"}
    requirements = [Requirement(line) for line in lines]
    wanted = [one for one in requirements if one.marker is None or one.marker.evaluate(environment)]
    return {canonicalize_name(one.name): str(one.specifier).removeprefix("==") for one in wanted}


def code(service: str) -> list[str]:
    """The files of ours that its image has to hold, as they are in the repository."""
    packages = [ROOT / "libs/understudy_domain", ROOT / "libs/understudy_runtime"]
    packages += ROOT.glob(f"services/{service}/understudy_*")
    files = [path.relative_to(package.parent) for package in packages for path in package.rglob("*") if path.is_file()]
    return sorted(["LICENSE", *(str(path) for path in files if path.suffix != ".pyc")])


@pytest.fixture(scope="module")
def contents(podman: Podman, images: dict[str, str]) -> dict[str, dict[str, Any]]:
    """What a container of each image sees."""
    return {service: podman.look(image, CONTENTS) for service, image in images.items()}


@each_service
def test_it_holds_what_is_locked_for_its_service_and_nothing_else(
    service: str, contents: dict[str, dict[str, Any]]
) -> None:
    seen = contents[service]
    held = {canonicalize_name(name): version for name, version in seen["distributions"].items()}
    assert held == locked(service, seen["python"])
    assert [path for path in seen["code"] if not path.endswith(".so")] == code(service)


@each_service
def test_its_decision_core_is_compiled(service: str, contents: dict[str, dict[str, Any]]) -> None:
    built = [path for path in contents[service]["code"] if path.endswith(".so")]
    modules = {path.partition(".")[0].replace("/", ".") for path in built}
    assert modules == {*compiled_modules(ROOT / "libs/understudy_domain"), "understudy_domain__mypyc"}
    assert contents[service]["core"].endswith(".so")


@each_service
def test_it_holds_no_compiler_no_installer_no_tests_and_no_cache(
    service: str, contents: dict[str, dict[str, Any]]
) -> None:
    seen = contents[service]
    assert not {"cc", "gcc", "g++", "make", "pip", "pip3", "uvicorn"} & set(seen["programs"])
    assert seen["tests"] == seen["caches"] == []


@each_service
def test_its_user_is_nobody_and_can_write_nowhere(service: str, contents: dict[str, dict[str, Any]]) -> None:
    seen = contents[service]
    assert (seen["uid"], seen["gid"]) == (10001, 10001)
    assert seen["writable"] == seen["others"] == seen["privileged"] == []


@each_service
def test_all_byte_code_that_it_starts_with_was_made_before(
    service: str, podman: Podman, images: dict[str, str]
) -> None:
    assert podman.look(images[service], LOADED.replace("SERVICE", service)) == []


@each_service
def test_it_says_what_it_is(service: str, podman: Podman, images: dict[str, str]) -> None:
    config = podman.inspect(images[service])["Config"]
    assert config["User"] == "10001:10001"
    assert config["Entrypoint"] == ["python", "-P", "-m", f"understudy_{service}"]
    labels = config["Labels"]
    assert labels["org.opencontainers.image.title"] == f"understudy-{service}"
    assert re.fullmatch(r"\d+\.\d+\.\d+", labels["org.opencontainers.image.version"])
    assert re.fullmatch(r"[0-9a-f]{40}|unknown", labels["org.opencontainers.image.revision"])


def test_the_same_commit_makes_the_same_layers(
    podman: Podman, images: dict[str, str], wheels: Path, bases: dict[str, str]
) -> None:
    podman.make_images(wheels, tag="again", services=["harvester"], **bases)
    again = podman.inspect("localhost/understudy-harvester:again")
    once = podman.inspect(images["harvester"])
    assert again["RootFS"]["Layers"] == once["RootFS"]["Layers"]


def test_sizes_are_told(podman: Podman, images: dict[str, str], bases: dict[str, str]) -> None:
    below = podman.inspect(bases["base"])["Size"]
    sizes = {service: podman.inspect(image)["Size"] - below for service, image in images.items()}
    print("above the base, MB:", {service: size // 1_000_000 for service, size in sizes.items()})
    assert max(sizes.values()) < 260_000_000
