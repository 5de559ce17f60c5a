"""docs/metrics.md says what the services register: its tables are made from that, and no page names anything else."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.metric_catalogue import PAGE, ROOT, SECTIONS, catalogue, everything, with_tables

CONSTRUCTORS = re.compile(
    r"(Counter|Gauge|Histogram|Summary)(MetricFamily)?|SeriesFamily|of_inputs|of_channels|gauge|counter"
)
"""Or the short words that a collector has for a family of its own kind."""
PACKAGES = {path.name for path in (*(ROOT / "libs").iterdir(), *(ROOT / "services").glob("*/*"))}
OF_TARGETS = {"job", "instance", "namespace", "pod", "container", "endpoint", "service", "node"}
FURTHER = re.compile(r"_(bucket|sum|count)$")


async def test_the_tables_are_what_the_code_makes_of_them() -> None:
    assert with_tables(PAGE.read_text()) == PAGE.read_text(), "make metrics"


def test_every_section_has_its_table() -> None:
    assert re.findall(r"<!-- made of the code: ([\w ]+) -->", PAGE.read_text()) == list(SECTIONS)


@pytest.mark.parametrize("section", SECTIONS)
async def test_every_metric_says_what_it_means_in_a_sentence(section: str) -> None:
    for one in catalogue(section).values():
        assert one.documentation.endswith("."), one.name
        assert one.name.startswith("understudy_"), one.name


async def test_no_label_has_the_name_of_one_that_prometheus_gives_to_targets() -> None:
    """It would be renamed to `exported_…` as soon as an operator of Kubernetes finds the targets."""
    labels = {label for one in everything().values() for label in one.labels}
    assert labels & OF_TARGETS == set()


async def test_every_metric_that_any_code_makes_is_on_the_page() -> None:
    made = {name for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py") for name in made_in(path)}
    assert {name.removesuffix("_total") for name in made} == {name.removesuffix("_total") for name in everything()}


def made_in(path: Path) -> Iterator[str]:
    """Names that are given to the constructors of metrics in a file."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and CONSTRUCTORS.fullmatch(node.func.id):
            first = node.args[0] if node.args else None
            if isinstance(first, ast.Constant) and isinstance(first.value, str):
                yield first.value


async def test_metrics_that_any_page_names_exist() -> None:
    known = {FURTHER.sub("", one) for one in everything()} | PACKAGES
    assert {name: page for name, page in named_on_pages() if name not in known} == {}


def named_on_pages() -> Iterator[tuple[str, str]]:
    for page in (*(ROOT / "services").glob("*/README.md"), *(ROOT / "docs").rglob("*.md")):
        for name in re.findall(r"understudy_\w+", page.read_text()):
            yield FURTHER.sub("", name), str(page.relative_to(ROOT))
