"""docs/settings.md and the services' settings say the same."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from understudy_controller.settings import ControllerSettings
from understudy_egress.settings import EgressSettings
from understudy_harvester.settings import HarvesterSettings
from understudy_ingest.settings import IngestSettings
from understudy_runtime.settings import CommonSettings

PAGE = Path(__file__).parents[3] / "docs" / "settings.md"
ROW = re.compile(r"^\| `(UNDERSTUDY_\w+)` \| (?:`([^`]*)`|(none)) \| (.+) \|$", re.MULTILINE)
SECTIONS: dict[str, type[CommonSettings]] = {
    "All services": CommonSettings,
    "Ingest": IngestSettings,
    "Controller": ControllerSettings,
    "Egress": EgressSettings,
    "Harvester": HarvesterSettings,
}


def documented(section: str) -> dict[str, str]:
    """Names and defaults in one section of the page."""
    text = PAGE.read_text()
    body = text.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return {name: value or none for name, value, none, _ in ROW.findall(body)}


def in_code(settings: type[CommonSettings]) -> dict[str, str]:
    """Names and defaults of a service's own settings; of all services', those they share."""
    shared = set() if settings is CommonSettings else set(CommonSettings.model_fields)
    return {
        f"UNDERSTUDY_{name.upper()}": "none" if field.default is None else str(field.default)
        for name, field in settings.model_fields.items()
        if name not in shared
    }


@pytest.mark.parametrize("section", SECTIONS)
def test_every_setting_is_documented_with_its_default_and_nothing_else_is(section: str) -> None:
    assert documented(section) == in_code(SECTIONS[section])


def test_every_setting_that_the_page_names_stands_in_one_of_its_tables() -> None:
    tables = {name for section in SECTIONS for name in documented(section)}
    assert set(re.findall(r"UNDERSTUDY_[A-Z0-9_]+", PAGE.read_text())) == tables
