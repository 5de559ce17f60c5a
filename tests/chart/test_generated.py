"""What is made from the chart's values, and what it says of versions, is what stands in the repository."""

from __future__ import annotations

import re
import tomllib

import pytest
import yaml
from deploy.helm.generator.files import left_over
from deploy.helm.generator.pages import generated

from support import chart

PYPROJECT = chart.CHART.parents[2] / "pyproject.toml"
PAGES = generated()


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_generated_page_is_not_stale(path: object) -> None:
    page = next(one for one in PAGES if one == path)
    assert page.exists(), "run `make chart-docs`"
    assert page.read_text() == PAGES[page], "run `make chart-docs`"


def test_the_chart_carries_nothing_else_along() -> None:
    assert left_over(chart.CHART) == [], "run `make chart-docs`"


def test_the_application_that_the_chart_installs_is_the_one_in_this_repository() -> None:
    version = tomllib.loads(PYPROJECT.read_text())["project"]["version"]
    assert yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["appVersion"] == version


def test_the_page_on_kubernetes_names_the_oldest_that_the_chart_takes() -> None:
    oldest = yaml.safe_load((chart.CHART / "Chart.yaml").read_text())["kubeVersion"]
    version = re.fullmatch(r">=(\d+\.\d+)\.0-0", oldest)
    assert version is not None
    page = chart.CHART.parents[2] / "docs" / "operations" / "kubernetes.md"
    assert f"It takes Kubernetes {version[1]} or newer." in page.read_text()
