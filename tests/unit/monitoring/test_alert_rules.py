"""Alerts, what is written about each, their tests and the catalogue of metrics name the same things."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import pytest
import yaml

from support.alert_rules import RUNBOOK, TEST_FILES, alerts, recorded, rules, selectors
from support.metric_catalogue import ROOT, everything

TELLING = ("channel", "origin_endpoint", "input")
"""Labels that an alert has to say in words, where it has them."""
QUESTIONS = ("**Viewers**", "**Look first**", "**Do**", "**Sleep**")
each_alert = pytest.mark.parametrize("name", sorted(alerts()))


def sections() -> dict[str, str]:
    """What is written about each alert."""
    parts = re.split(r"^### (\w+)$", RUNBOOK.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


@cache
def what_is_tested() -> dict[str, list[list[dict[str, Any]]]]:
    """For each alert, what the tests of promtool expect of it, in order of time."""
    found: dict[str, list[list[dict[str, Any]]]] = {}
    for path in TEST_FILES:
        for group in yaml.safe_load(path.read_text())["tests"]:
            for one in group["alert_rule_test"]:
                found.setdefault(one["alertname"], []).append(one["exp_alerts"])
    return found


def test_what_is_written_is_about_alerts_that_there_are() -> None:
    assert sorted(sections()) == sorted(alerts())


def test_what_is_tested_is_an_alert() -> None:
    assert sorted(what_is_tested()) == sorted(alerts())


@each_alert
def test_an_alert_is_tested_to_be_silent_and_to_fire(name: str) -> None:
    expected = what_is_tested()[name]
    assert expected[0] == [], "silent just before"
    assert expected[1] != [], "firing at the threshold"


@each_alert
def test_what_is_written_of_an_alert_answers_what_somebody_asks_at_night(name: str) -> None:
    section = sections()[name]
    assert [question for question in QUESTIONS if question not in section] == []


@each_alert
def test_an_alert_says_how_bad_it_is_and_where_to_read_on(name: str) -> None:
    rule = alerts()[name]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in {"critical", "warning"}
    assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}
    page, _, anchor = rule["annotations"]["runbook_url"].partition("#")
    assert ROOT / page == RUNBOOK
    assert anchor == name.lower()


@each_alert
def test_an_alert_names_the_channel_the_endpoint_and_the_input_that_it_is_about(name: str) -> None:
    rule = alerts()[name]
    expression = rule["expr"]
    for record, expanded in recorded().items():
        expression = expression.replace(record, expanded)
    first = re.search(r"\bby \(([^)]*)\)", expression)
    has = set(re.split(r",\s*", first[1])) if first is not None else set()
    for label in has & set(TELLING):
        assert f"$labels.{label}" in rule["annotations"]["description"], label
    named = set(re.findall(r"\$labels\.(\w+)", " ".join(rule["annotations"].values())))
    assert named <= has | {"component"}


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule.get("alert") or rule["record"])
async def test_a_rule_uses_metrics_and_labels_that_the_services_have(rule: dict[str, Any]) -> None:
    catalogue = everything()
    used = list(selectors(rule["expr"]))
    assert used
    for one in used:
        assert one.metric in catalogue, one.metric
        assert one.labels <= {*catalogue[one.metric].labels, "le"}, one.metric
