"""What the chart refuses of declared resources is what controllers would find wrong with the file."""

from __future__ import annotations

import json

import pytest

from support import chart
from understudy_controller.declare.declaration import DeclarationInvalid, parse_declaration

OF_THE_CHART = {
    "fail-declared-twice": "about values, not about a file",
    "fail-declared-file-nowhere": "the file has no fault, what it names is not there",
    "fail-declared-authorization-without-secrets": "the same",
}
"""Refusals that are none of a file, and why."""

REFUSED = [name for name in chart.refusals() if name.startswith("fail-declared-") and name not in OF_THE_CHART]


@pytest.mark.parametrize("profile", REFUSED)
def test_a_controller_refuses_it_too(profile: str) -> None:
    with pytest.raises(DeclarationInvalid):
        parse_declaration(json.dumps(chart.profile_values(profile)["declared"]), name="declared.yaml", read_secret=None)


@pytest.mark.parametrize("profile", [name for name in OF_THE_CHART if name != "fail-declared-twice"])
def test_without_the_chart_around_it_the_file_is_right(profile: str) -> None:
    declared = chart.profile_values(profile)["declared"]
    assert parse_declaration(json.dumps(declared), name="declared.yaml", read_secret=None).channels
