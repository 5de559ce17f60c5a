"""The walls between the packages stand, and the checks that hold them fail when one is broken.

Each check runs as `make contracts` and `make lint` run it, on a copy of the tree with an offending file in it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sysconfig
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SCRIPTS = Path(sysconfig.get_path("scripts"))
ROOTS = ("libs", "services/ingest", "services/controller", "services/egress", "services/harvester")

IMPURE = (
    "asyncio",
    "time",
    "socket",
    "os",
    "random",
    "nats",
    "boto3",
    "obstore",
    "fastapi",
    "prometheus_client",
    "numpy",
    "av",
    "pydantic",
)

CLOCKS = {
    "from time import monotonic\nNOW = monotonic()\n": "time.monotonic",
    "import time\nNOW = time.time()\n": "time.time",
    "from datetime import UTC, datetime\nNOW = datetime.now(UTC)\n": "datetime.datetime.now",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A copy of the packages and of the configuration."""
    shutil.copy(REPOSITORY / "pyproject.toml", tmp_path)
    for root in ("libs", "services"):
        shutil.copytree(REPOSITORY / root, tmp_path / root, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def contracts(tree: Path) -> subprocess.CompletedProcess[str]:
    """`make contracts` on a tree."""
    path = os.pathsep.join(str(tree / root) for root in ROOTS)
    return subprocess.run(
        [SCRIPTS / "lint-imports", "--no-cache"],
        cwd=tree,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )


def clock_check(tree: Path) -> subprocess.CompletedProcess[str]:
    """The part of `make lint` on a tree that knows who may read a clock."""
    return subprocess.run(
        [SCRIPTS / "ruff", "check", "--no-cache", "--select", "TID251", "libs", "services"],
        cwd=tree,
        capture_output=True,
        text=True,
        check=False,
    )


def test_every_contract_is_kept_as_things_are(tree: Path) -> None:
    checked = contracts(tree)
    assert checked.returncode == 0, checked.stdout


def test_nothing_but_the_clock_module_reads_a_clock_as_things_are(tree: Path) -> None:
    checked = clock_check(tree)
    assert checked.returncode == 0, checked.stdout


def test_a_domain_that_imports_the_outside_world_breaks_its_contract(tree: Path) -> None:
    for module in IMPURE:
        (tree / f"libs/understudy_domain/offends_{module}.py").write_text(f"import {module}\n")
    checked = contracts(tree)
    assert checked.returncode != 0
    unnoticed = [module for module in IMPURE if f"understudy_domain.offends_{module} -> {module}" not in checked.stdout]
    assert unnoticed == [], checked.stdout


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("libs/understudy_domain", "understudy_runtime"),
        ("libs/understudy_runtime", "understudy_ingest"),
        ("services/ingest/understudy_ingest", "understudy_egress"),
        ("services/egress/understudy_egress", "understudy_controller"),
        ("services/harvester/understudy_harvester", "understudy_egress"),
        ("services/harvester/understudy_harvester", "boto3"),
        ("services/controller/understudy_controller", "understudy_local"),
        ("libs/understudy_local", "understudy_controller"),
        ("services/controller/understudy_controller", "understudy_runtime.objectstore"),
    ],
)
def test_an_import_against_the_layers_breaks_a_contract(tree: Path, importer: str, imported: str) -> None:
    (tree / importer / "offends.py").write_text(f"import {imported}\n")
    checked = contracts(tree)
    assert checked.returncode != 0
    assert f"{Path(importer).name}.offends -> {imported}" in checked.stdout, checked.stdout


@pytest.mark.parametrize("package", ["libs/understudy_domain", "services/controller/understudy_controller"])
@pytest.mark.parametrize(("code", "clock"), CLOCKS.items(), ids=CLOCKS.values())
def test_a_package_that_reads_a_clock_does_not_pass_lint(tree: Path, package: str, code: str, clock: str) -> None:
    (tree / package / "offends.py").write_text(code)
    checked = clock_check(tree)
    assert checked.returncode != 0
    assert f"`{clock}` is banned" in checked.stdout, checked.stdout
