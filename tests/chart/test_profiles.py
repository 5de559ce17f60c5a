"""Every values file in ``ci/`` does what its name says: it renders, lints and Kubernetes takes it, or it is refused."""

from __future__ import annotations

import functools
import json
import re
from typing import Any

import kubernetes_validate
import pytest
from kubernetes_validate import utils

from support import chart

# The validator has two sets of schemas for each version.
NEWEST = list(dict.fromkeys(utils.major_minor(version) for version in utils.all_versions()))[-3:]


@pytest.fixture(autouse=True, scope="module")
def _schemas_read_once() -> Any:
    """The validator reads 4 MB of definitions anew for each object, and looks which versions it has."""
    originals = {name: getattr(utils, name) for name in ("schema_contents", "all_versions")}
    for name, original in originals.items():
        setattr(utils, name, functools.cache(original))
    yield
    for name, original in originals.items():
        setattr(utils, name, original)


@pytest.mark.parametrize("profile", chart.profiles())
def test_a_profile_renders_and_lints(profile: str) -> None:
    assert chart.render_profile(profile)
    assert chart.lint(profile) == []


@pytest.mark.parametrize("version", NEWEST)
@pytest.mark.parametrize("profile", chart.profiles())
def test_a_profile_is_what_kubernetes_takes(profile: str, version: str) -> None:
    for one in chart.render_profile(profile):
        if one["apiVersion"].partition("/")[0] not in {"gateway.networking.k8s.io", "monitoring.coreos.com"}:
            kubernetes_validate.validate(one, version, strict=True)


@pytest.mark.parametrize("profile", chart.profiles())
def test_no_two_objects_of_a_profile_have_the_same_name(profile: str) -> None:
    found = [chart.identity(one) for one in chart.render_profile(profile)]
    assert len(found) == len(set(found))


@pytest.mark.parametrize("profile", chart.refusals())
def test_what_cannot_work_is_refused_with_its_sentence(profile: str) -> None:
    sentence = chart.profile_path(profile).read_text().splitlines()[0].removeprefix("# refused: ")
    with pytest.raises(chart.ChartRefused) as refused:
        chart.render(chart.profile_values(profile))
    assert sentence in str(refused.value)
    # Schema and templates may both object; a user should read one reason, and what to do about it.
    assert str(refused.value).count("understudy/templates/") <= 1


def test_there_is_a_profile_for_every_sentence_of_refusal() -> None:
    template = "".join(path.read_text() for path in (chart.CHART / "templates").glob("requirements*.yaml"))
    sentences = [chart.profile_path(name).read_text().splitlines()[0] for name in chart.refusals()]
    written = re.findall(r'fail (?:\(printf )?"([^"]+)"', template)
    assert len(written) == template.count("fail ")
    for one in written:
        # What is refused because of what is installed already is in test_upgrades.py.
        pattern = re.sub(r"%[sdv]", ".+", re.escape(one).replace("%%", "%"))
        assert "in what is installed" in one or any(re.search(pattern, sentence) for sentence in sentences), one


def test_without_nats_and_s3_both_ways_out_are_named() -> None:
    with pytest.raises(chart.ChartRefused, match=r"nats\.url and s3\.bucket .* or evaluation\.enabled=true"):
        chart.render({})


def test_the_schema_is_closed_at_every_object() -> None:
    schema = json.loads((chart.CHART / "values.schema.json").read_text())
    open_objects = [path for path, one in _objects(schema, "") if one.get("additionalProperties", True) is True]
    # Kubernetes' own objects are passed on as they are, `global` is Helm's, and some of MediaPackage's fields, whatever
    # is in them, are refused by the control API in its own words.
    passed_on = r"/\$defs/(objects|affinity)|/properties/global|.*/(encryption|cmafPackage|dashPackage|mssPackage)/"
    assert [path for path in open_objects if not re.match(passed_on, path)] == []


def _objects(schema: Any, path: str) -> list[tuple[str, Any]]:
    if isinstance(schema, list):
        return [found for number, one in enumerate(schema) for found in _objects(one, f"{path}/{number}")]
    if not isinstance(schema, dict):
        return []
    own = [(path, schema)] if schema.get("type") == "object" else []
    return own + [found for key, one in schema.items() for found in _objects(one, f"{path}/{key}")]
