"""Whatever a file of declared resources holds: it is a declaration, or everything that is wrong has a line in it."""

from __future__ import annotations

import re
import traceback
from collections.abc import Sequence
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from understudy_controller.declare.declaration import DeclarationInvalid, parse_declaration
from understudy_controller.declare.document import Problem

SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.dates(),
    st.datetimes(),
    st.binary(max_size=4),
    st.sampled_from(["news", "a" * 32, "sticky", "pinned", "NONE", "DATERANGE", "10.0.0.0/8"]),
)
FIELDS = st.sampled_from(
    [
        *("id", "guid", "channelId", "description", "tags", "hlsIngest", "ingestEndpoints", "username", "password"),
        *("usernameFile", "passwordFile", "ingressAccessLogs", "logGroupName", "hlsPackage", "dashPackage", "policy"),
        *("input", "holdDownSeconds", "timeDelaySeconds", "startoverWindowSeconds", "whitelist", "authorization"),
        *("segmentDurationSeconds", "adMarkers", "streamSelection", "encryption", "[key]", "0"),
    ]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(FIELDS | SCALARS.filter(lambda one: not isinstance(one, float)), inner, max_size=5)
    ),
    max_leaves=25,
)
RESOURCES = st.lists(st.dictionaries(FIELDS, VALUES, max_size=8) | VALUES, max_size=3)
FILES = st.fixed_dictionaries({}, optional={"channels": RESOURCES | VALUES, "originEndpoints": RESOURCES | VALUES})


def secret(name: str) -> str:
    if len(name) % 2:
        raise ValueError("the file is missing")
    return name


def problems_of(text: str) -> Sequence[Problem] | None:
    """None where the file is right."""
    try:
        parse_declaration(text, name="d.yaml", read_secret=secret)
    except DeclarationInvalid as err:
        return err.problems
    return None


def check(text: str) -> None:
    problems = problems_of(text)
    if problems is not None:
        lines = len(re.split("\r\n|[\n\r\x85\u2028\u2029]", text))
        assert problems
        assert all(1 <= one.line <= lines and one.message for one in problems), problems


@given(FILES | VALUES)
def test_any_values_are_right_or_told_line_by_line(value: Any) -> None:
    check(yaml.safe_dump(value, allow_unicode=True))


TAGS = st.sampled_from(
    [
        *("!!bool", "!!int", "!!float", "!!timestamp", "!!null", "!!binary", "!!str", "!!map", "!!seq", "!!set"),
        *(
            "!!omap",
            "!!pairs",
            "!!merge",
            "!!value",
            "!!python/name:os.system",
            "!own",
            "!",
            "!<tag:yaml.org,2002:bool>",
        ),
    ]
)
TAGGED = st.sampled_from(["", "''", "hush-hush", "'hush-hush'", "[hush-hush]", "{hush-hush: a}", "0x", "2020-99-99"])


@given(TAGS, TAGGED, st.sampled_from(["{}", "channels: {}", "channels:\n- id: news\n  password: {}", "{}: 1"]))
def test_any_tag_is_right_or_told_line_by_line_and_without_the_text(tag: str, value: str, place: str) -> None:
    text = place.replace("{}", f"{tag} {value}")
    check(text)
    try:
        parse_declaration(text, name="d.yaml", read_secret=secret)
    except DeclarationInvalid as err:
        told = "".join(traceback.format_exception(err))
        if tag != "!!str" and "{" not in value:  # the name of a field is told
            assert "hush-hush" not in told


@given(st.text(alphabet=st.sampled_from("channels:id[]{}-&*!|>'\"#%@`,? \n\t~=<.0x1_e+é\x00\u2028")))
def test_any_text_is_right_or_told_line_by_line(text: str) -> None:
    check(text)
