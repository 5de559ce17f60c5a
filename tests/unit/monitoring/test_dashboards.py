"""The dashboards that are in the repository are those that the code renders, and ask for metrics that there are."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dashboards_src.__main__ import PAGES, rendered
from support.alert_rules import selectors
from support.dashboards import DASHBOARDS, PanelQuery, loaded, queries
from support.metric_catalogue import everything

LETTERS = re.compile(r"Value #([A-Z])")
OURS_BESIDES = {"le", "namespace", "instance"}
each_page = pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: path.stem)


def test_they_are_rendered_anew_where_the_code_has_changed() -> None:
    on_disk = {path.name: path.read_text() for path in DASHBOARDS}
    assert on_disk == dict(rendered()), "make dashboards"
    assert len(on_disk) == len(PAGES)


@each_page
def test_every_panel_says_what_it_shows_and_nothing_lies_upon_another(path: Path) -> None:
    taken: set[tuple[int, int]] = set()
    numbers = set()
    for panel in loaded(path)["panels"]:
        numbers.add(panel["id"])
        if panel["type"] != "row":
            assert panel["description"].endswith("."), panel["title"]
            assert panel["datasource"]["uid"] == "${datasource}", panel["title"]
        place = panel["gridPos"]
        cells = {(place["x"] + x, place["y"] + y) for x in range(place["w"]) for y in range(place["h"])}
        assert not cells & taken, panel["title"]
        assert place["x"] + place["w"] <= 24, panel["title"]
        taken |= cells
    assert len(numbers) == len(loaded(path)["panels"])


@each_page
def test_the_queries_of_a_panel_have_letters_of_their_own(path: Path) -> None:
    for panel in loaded(path)["panels"]:
        letters = [target["refId"] for target in panel.get("targets", ())]
        assert len(set(letters)) == len(letters), panel["title"]
        assert set(LETTERS.findall(json.dumps(panel.get("transformations", [])))) <= set(letters), panel["title"]


@pytest.mark.parametrize("query", list(queries()), ids=str)
async def test_a_query_asks_for_metrics_and_labels_that_the_services_have(query: PanelQuery) -> None:
    catalogue, used = everything(), list(selectors(query.expression))
    assert used
    for one in used:
        assert one.metric in catalogue, one.metric
        assert one.labels <= {*catalogue[one.metric].labels, *OURS_BESIDES}, one.metric
        assert "namespace" in one.labels, "one Prometheus may watch several installations"


@each_page
async def test_the_values_of_a_variable_are_those_of_a_metric_that_there_is(path: Path) -> None:
    asked = [one["query"] for one in loaded(path)["templating"]["list"] if one["type"] == "query"]
    assert asked
    for query in asked:
        found = re.fullmatch(r"label_values\((\w+)(?:\{[^}]*\})?, (\w+)\)", query)
        assert found is not None, query
        assert found[2] in {*everything()[found[1]].labels, "namespace"}, query
