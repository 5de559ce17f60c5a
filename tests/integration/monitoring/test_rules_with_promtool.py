"""promtool reads every rule file, and runs every test of the alerts."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from support.alert_rules import RULE_FILES, TEST_FILES, alerts, recorded
from support.browser import MissingProgram
from support.prometheus import promtool

pytestmark = pytest.mark.needs_debian


def run(*arguments: str) -> str:
    try:
        return promtool(*arguments)
    except MissingProgram as err:
        err.skip()


def test_it_finds_nothing_wrong_with_the_rules_and_as_many_as_there_are() -> None:
    said = run("check", "rules", *map(str, RULE_FILES))
    assert sum(map(int, re.findall(r"SUCCESS: (\d+) rules found", said))) == len(alerts()) + len(recorded())


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.name)
def test_every_alert_is_silent_just_before_and_fires_at_its_threshold(path: Path) -> None:
    assert "SUCCESS" in run("test", "rules", str(path))
