"""The locked requirements of a service are what it imports: an image that holds only them starts, and holds no more."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from functools import cache
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from support.dockerfile import ROOT, SERVICES

each_service = pytest.mark.parametrize("service", SERVICES)

CLOSED_WORLD = """
import importlib, pkgutil, sys

service, *allowed = sys.argv[1:]

class Absent:
    def find_spec(self, name, path=None, target=None):
        top = name.partition(".")[0]
        known = top in sys.stdlib_module_names or top.startswith("_sysconfigdata_")
        if not known and top not in allowed:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
package = importlib.import_module(service)
for module in pkgutil.walk_packages(package.__path__, service + "."):
    importlib.import_module(module.name)
"""


def locked(service: str) -> set[str]:
    """The names of the distributions that a service's image gets."""
    text = (ROOT / "requirements" / f"{service}.txt").read_text()
    lines = re.findall(r"^([A-Za-z0-9].*?)(?: \\)?$", text, re.MULTILINE)
    requirements = [Requirement(line) for line in lines]
    return {canonicalize_name(one.name) for one in requirements if one.marker is None or one.marker.evaluate()}


def declared(service: str) -> set[str]:
    """The names of the distributions that pyproject.toml has for it."""
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["optional-dependencies"]
    return {canonicalize_name(Requirement(line).name) for line in extras[service]}


@cache
def distributions() -> dict[str, set[str]]:
    """The distributions of each top-level module that is installed here."""
    found = metadata.packages_distributions()
    return {module: {canonicalize_name(name) for name in names} for module, names in found.items()}


@cache
def modules_of(package: str) -> dict[str, Path]:
    """The files of one of our packages by module name."""
    (folder,) = [*ROOT.glob(f"libs/{package}"), *ROOT.glob(f"services/*/{package}")]
    files = {}
    for path in folder.rglob("*.py"):
        parts = [package, *path.relative_to(folder).with_suffix("").parts]
        files[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return files


@cache
def imported(path: Path) -> frozenset[str]:
    """All that a file imports anywhere in it, inside of functions too; for ``from a import b`` both a and a.b."""
    names = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.module is not None, f"{path}: a relative import"
            names |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return frozenset(names)


@cache
def reached(service: str) -> tuple[frozenset[str], frozenset[str]]:
    """From all modules of a service: our packages, and the top-level modules of others, that can be imported."""
    ours = {
        **modules_of("understudy_domain"),
        **modules_of("understudy_runtime"),
        **modules_of("understudy_local"),
        **{name: path for other in SERVICES for name, path in modules_of(f"understudy_{other}").items()},
    }
    waiting = set(modules_of(f"understudy_{service}"))
    seen: set[str] = set()
    others: set[str] = set()
    while waiting:
        module = waiting.pop()
        seen.add(module)
        names = imported(ours[module])
        waiting |= (names & ours.keys()) - seen
        others |= {name.partition(".")[0] for name in names if not name.startswith("understudy_")}
    return (
        frozenset(name.partition(".")[0] for name in seen),
        frozenset(others - sys.stdlib_module_names - {"__future__"}),
    )


@each_service
def test_it_reaches_the_packages_that_its_image_holds_and_no_other(service: str) -> None:
    assert reached(service)[0] == {"understudy_domain", "understudy_runtime", f"understudy_{service}"}


@each_service
def test_all_that_it_imports_is_locked(service: str) -> None:
    missing = [name for name in reached(service)[1] if not distributions()[name] & locked(service)]
    assert not missing, f"requirements/{service}.txt lacks {missing}: declare them in pyproject.toml, then make lock"


@each_service
def test_all_that_it_declares_is_imported(service: str) -> None:
    used = {name for module in reached(service)[1] for name in distributions()[module]}
    assert declared(service) - used == set(), f"pyproject.toml has more for {service} than it imports"


@each_service
def test_every_module_of_it_is_imported_where_nothing_else_is_installed(service: str) -> None:
    names = locked(service)
    allowed = {module for module, belongs_to in distributions().items() if belongs_to & names}
    own = {"understudy_domain", "understudy_runtime", f"understudy_{service}"}
    result = subprocess.run(
        [sys.executable, "-P", "-c", CLOSED_WORLD, f"understudy_{service}", *own, *allowed],
        capture_output=True,
        text=True,
        check=False,
    )
    assert result.returncode == 0, result.stderr[-2000:]
