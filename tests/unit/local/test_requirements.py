"""Every requirement is locked by its hash and not by an address, at the version that is tested."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[3]
SERVICES = ("ingest", "controller", "egress", "harvester")
LOCKED = sorted((REPOSITORY / "requirements").glob("*.txt"))


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
