"""docs/api.md names every reason for which ingest and egress refuse, with its status."""

from __future__ import annotations

import inspect
import re
from enum import StrEnum
from pathlib import Path
from types import ModuleType

import pytest

import understudy_domain.errors as shared
import understudy_egress.errors
import understudy_ingest.errors
from understudy_controller.authentication.refusal import Reason
from understudy_domain.ending import EndRefusal
from understudy_domain.errors import UnderstudyError
from understudy_domain.manifest_filter import MalformedManifestFilter, NothingLeft
from understudy_domain.switchover import Refusal
from understudy_runtime.errors import BusUnavailable, HistoryTorn, OfANewerRelease, StillStarting

PAGE = Path(__file__).parents[3] / "docs" / "api.md"
ROW = re.compile(r"^\| `(\w+)` \| (\d{3}) \| .+ \|$", re.MULTILINE)

OWN: dict[str, ModuleType] = {"Ingest": understudy_ingest.errors, "Egress": understudy_egress.errors}
SHARED: dict[str, list[type[UnderstudyError]]] = {
    "Ingest": [shared.NotAPlaylist, shared.EncryptedInput, BusUnavailable, StillStarting, OfANewerRelease],
    "Egress": [
        MalformedManifestFilter,
        NothingLeft,
        shared.NotYetAvailable,
        shared.LeftWindow,
        shared.UnknownObject,
        BusUnavailable,
        StillStarting,
        OfANewerRelease,
        HistoryTorn,
    ],
}


def errors_of(service: str) -> list[type[UnderstudyError]]:
    """A service's own errors, and those it has from below."""
    module = OWN[service]
    found = (one for _, one in inspect.getmembers(module, inspect.isclass) if one.__module__ == module.__name__)
    own = [one for one in found if issubclass(one, UnderstudyError)]
    return [*own, *SHARED[service]]


@pytest.mark.parametrize("service", OWN)
def test_every_refusal_is_documented_with_its_status_and_nothing_else_is(service: str) -> None:
    body = PAGE.read_text().partition(f"\n## {service}\n")[2].partition("\n## ")[0]
    documented = {code: int(status) for code, status in ROW.findall(body)}
    assert documented == {error.code: error.status for error in errors_of(service)}


def test_ingest_counts_every_reason_from_its_start() -> None:
    assert sorted(understudy_ingest.errors.REASONS) == sorted(error.code for error in errors_of("Ingest"))


@pytest.mark.parametrize(
    ("section", "refusals"),
    [("Signatures", Reason), ("Policies and switchover", Refusal), ("The end of a programme", EndRefusal)],
)
def test_every_refusal_of_the_control_api_is_documented(section: str, refusals: type[StrEnum]) -> None:
    body = re.split(r"\n##", PAGE.read_text().partition(f"\n### {section}\n")[2])[0]
    table = [line.split("|")[1] for line in body.splitlines() if line.startswith("| `") and "/understudy/" not in line]
    assert {code for cell in table for code in re.findall(r"`(\w+)`", cell)} == {one.value for one in refusals}
