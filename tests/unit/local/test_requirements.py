"""What each program imports is what its own locked requirements hold: an image installs those and nothing else."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SERVICES = ("ingest", "controller", "egress", "harvester")
LOCKED = sorted((REPOSITORY / "requirements").glob("*.txt"))

_LOADED = """
import sys
import understudy_{service}.app, understudy_runtime.server
{later}
print("\\n".join(module.__file__ for name, module in sys.modules.items() if name.startswith("understudy_")))
"""
_LATER = {"harvester": "import understudy_harvester.harvest"}
"""What a service loads when it is needed first."""


def imported_modules(file: Path) -> set[str]:
    """The top-level names that a file itself imports: a library may try what it can do without."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Import(names=names):
                found.update(name.name.partition(".")[0] for name in names)
            case ast.ImportFrom(module=str(module)):
                found.add(module.partition(".")[0])
            case _:
                pass
    return found - sys.stdlib_module_names


def normal(name: str) -> str:
    """A distribution's name as locks write it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def locked_names(path: Path) -> set[str]:
    return set(re.findall(r"^([a-z0-9-]+)==", path.read_text(), flags=re.MULTILINE))


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_imports_only_what_its_extra_brings(service: str) -> None:
    program = _LOADED.format(service=service, later=_LATER.get(service, ""))
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True).stdout.split()
    distributions = packages_distributions()
    imported = {module for file in loaded for module in imported_modules(Path(file))}
    needed = {normal(name) for module in imported for name in distributions.get(module, ())} - {"understudy"}
    assert {"nats-py", "uvicorn"} <= needed
    assert needed <= locked_names(REPOSITORY / f"requirements/{service}.txt")


@pytest.mark.parametrize("path", LOCKED, ids=lambda path: path.name)
def test_every_locked_requirement_has_a_hash_and_no_address(path: Path) -> None:
    text = path.read_text()
    assert "://" not in text
    assert not re.search(r"^--(index|extra-index|find-links)", text, flags=re.MULTILINE)
    pinned = re.findall(r"^[a-z0-9-]+==.*?(?=^[a-z0-9-]+==|\Z)", text, flags=re.MULTILINE | re.DOTALL)
    assert [one.split()[0] for one in pinned if "--hash=sha256:" not in one] == []


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_runs_on_the_versions_that_are_tested(service: str) -> None:
    def versions(name: str) -> set[str]:
        return set(re.findall(r"^[a-z0-9-]+==\S+", (REPOSITORY / f"requirements/{name}.txt").read_text(), re.MULTILINE))

    assert versions(service) <= versions("dev")
