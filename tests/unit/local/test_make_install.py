"""`make install` installs when it must and only then; the Python in the environment writes down what it is asked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]

RECORDER = """#!/bin/sh
echo "$*" >> "$(dirname "$0")/../asked"
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with an environment whose Python installs nothing, and a Python that makes no environment."""
    checkout = tmp_path / "checkout"
    (checkout / "requirements").mkdir(parents=True)
    for name in ("Makefile", "pyproject.toml", "requirements/dev.txt"):
        shutil.copy(REPOSITORY / name, checkout / name)
    for python in (checkout / ".venv/bin/python", tmp_path / "system/bin/python"):
        python.parent.mkdir(parents=True)
        python.write_text(RECORDER)
        python.chmod(0o755)
    (checkout / ".venv/bin/activate").write_text(f'VIRTUAL_ENV="{checkout}/.venv"\n')
    return checkout


def asked(of: Path) -> list[str]:
    """What a Python was asked since the last look."""
    file = of / "asked"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def installations(checkout: Path) -> list[str]:
    """What `make install` asks pip to install now."""
    system = checkout.parent / "system/bin/python"
    subprocess.run(["make", "install", f"PYTHON={system}"], cwd=checkout, check=True, capture_output=True)
    return [line for line in asked(checkout / ".venv") if line.startswith("-m pip install")]


def test_the_first_time_it_installs_what_is_locked_with_hashes_and_then_the_project(checkout: Path) -> None:
    uv, locked, project = installations(checkout)
    assert "--no-deps --require-hashes -r /dev/stdin" in uv
    assert "--require-hashes -r requirements/dev.txt" in locked
    assert "--no-deps --no-build-isolation --editable ." in project


def test_uv_installs_what_is_locked_where_it_can(checkout: Path) -> None:
    uv = checkout / ".venv/bin/uv"
    uv.write_text(RECORDER)
    uv.chmod(0o755)
    subprocess.run(["make", "install"], cwd=checkout, check=True, capture_output=True)
    asked_of_pip, with_uv, project = (line for line in asked(checkout / ".venv") if "install" in line)
    assert "--no-deps --require-hashes -r /dev/stdin" in asked_of_pip
    assert "--compile-bytecode --python .venv/bin/python --require-hashes -r requirements/dev.txt" in with_uv
    assert "--editable ." in project


def test_it_does_nothing_when_nothing_changed(checkout: Path) -> None:
    installations(checkout)
    assert installations(checkout) == []


@pytest.mark.parametrize("name", ["requirements/dev.txt", "pyproject.toml"])
def test_it_follows_a_change_and_its_reversal(checkout: Path, name: str) -> None:
    before = (checkout / name).read_text()
    installations(checkout)
    (checkout / name).write_text(f"{before}# another version\n")
    assert len(installations(checkout)) == 3
    (checkout / name).write_text(before)
    assert len(installations(checkout)) == 3


def test_a_moved_folder_gets_a_new_environment_for_its_scripts_name_the_old_one(checkout: Path) -> None:
    installations(checkout)
    assert "-m venv --clear .venv" not in asked(checkout.parent / "system")
    moved = checkout.rename(checkout.with_name("moved"))
    assert len(installations(moved)) == 3
    assert "-m venv --clear .venv" in asked(checkout.parent / "system")


def test_a_python_that_has_gone_gets_a_new_environment(checkout: Path) -> None:
    installations(checkout)
    (checkout / ".venv/bin/python").unlink()
    subprocess.run(
        ["make", "install", f"PYTHON={checkout.parent}/system/bin/python"],
        cwd=checkout,
        check=False,
        capture_output=True,
    )
    assert "-m venv --clear .venv" in asked(checkout.parent / "system")
