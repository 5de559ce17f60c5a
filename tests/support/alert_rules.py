"""The rule files of deploy/monitoring, their tests, and the pages and metrics that they name."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import yaml

from support.metric_catalogue import ROOT, everything

MONITORING = ROOT / "deploy" / "monitoring"
RULE_FILES = sorted((MONITORING / "alerts").glob("*.yaml"))
TEST_FILES = sorted((MONITORING / "tests").glob("*.yaml"))
RUNBOOK = ROOT / "docs" / "operations" / "alerts.md"

_SUFFIX = re.compile(r"_(bucket|sum|count)$")
_SELECTOR = re.compile(r"\b(understudy_\w+)(?:\{([^}]*)\})?")


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric as an expression names it, with the labels that it selects by."""

    metric: str
    """As the catalogue has it: a histogram without what its series add."""
    labels: frozenset[str]


@cache
def rules() -> tuple[dict[str, Any], ...]:
    """All rules of all files."""
    groups = [group for path in RULE_FILES for group in yaml.safe_load(path.read_text())["groups"]]
    return tuple(rule for group in groups for rule in group["rules"])


@cache
def alerts() -> dict[str, dict[str, Any]]:
    """The alerts, by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


@cache
def recorded() -> dict[str, str]:
    """The expressions of the recording rules, by what they record."""
    return {rule["record"]: rule["expr"] for rule in rules() if "record" in rule}


def selectors(expression: str) -> Iterator[Selector]:
    """Every metric of ours that an expression names, those behind recorded ones as well."""
    for name, expanded in recorded().items():
        expression = expression.replace(name, f"({expanded})")
    for name, matchers in _SELECTOR.findall(expression):
        labels = frozenset(re.findall(r"(\w+)\s*(?:=|!=|=~|!~)\s*\"", matchers))
        yield Selector(_SUFFIX.sub("", name) if _SUFFIX.sub("", name) in everything() else name, labels)
