"""docs/openapi.json is what the controller serves, and says everything about our own operations."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from understudy_controller.app import create_app
from understudy_controller.settings import ControllerSettings

FILE = Path(__file__).parents[3] / "docs" / "openapi.json"
OWN = "/understudy/v1/"

Operation = tuple[str, dict[str, Any]]


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    return create_app(ControllerSettings(authentication="none"), keys=None).openapi()


def operations(described: dict[str, Any]) -> Iterator[Operation]:
    for path, methods in described["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def schemas_of(described: dict[str, Any], value: Any, found: set[str]) -> set[str]:
    """The names of all schemas that something refers to, through others too."""
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        if key == "$ref":
            name = inner.rpartition("/")[2]
            if name not in found:
                found.add(name)
                schemas_of(described, described["components"]["schemas"][name], found)
        else:
            schemas_of(described, inner, found)
    return found


def test_the_file_in_the_documentation_is_what_is_served(described: dict[str, Any]) -> None:
    assert json.loads(FILE.read_text()) == described, "run `make openapi`"


def test_every_operation_has_a_name_a_sentence_and_described_parameters(described: dict[str, Any]) -> None:
    names = [operation["operationId"] for _, operation in operations(described)]
    assert len(names) == len(set(names))
    for where, operation in operations(described):
        assert operation["operationId"] == operation["summary"], where
        assert operation["description"], where
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], (where, parameter["name"])


def test_every_operation_tells_of_its_errors_in_one_form(described: dict[str, Any]) -> None:
    for where, operation in operations(described):
        errors = {status: answer for status, answer in operation["responses"].items() if status >= "400"}
        assert {"403", "404", "422", "429", "500", "503"} <= set(errors), where
        for status, answer in errors.items():
            schema = answer["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
            assert schema == ("RefusalResponse" if status == "409" else "ErrorResponse"), (where, status)
            assert answer["description"].endswith("."), (where, status)


def test_every_field_of_our_own_operations_is_described(described: dict[str, Any]) -> None:
    own = [operation for where, operation in operations(described) if OWN in where]
    assert own
    for name in schemas_of(described, own, set()):
        schema = described["components"]["schemas"][name]
        assert schema["description"], name
        for field, is_like in schema.get("properties", {}).items():
            assert is_like.get("description"), f"{name}.{field}"


def test_patterns_are_such_as_json_schema_knows(described: dict[str, Any]) -> None:
    text = json.dumps(described["components"]["schemas"])
    assert r"\\A" not in text, "write ^ and $: pydantic takes them for the ends of the text as well"
    assert r"\\z" not in text


def test_the_page_names_every_path_of_our_own(described: dict[str, Any]) -> None:
    page = (FILE.parent / "api.md").read_text()
    for where, _ in operations(described):
        method, path = where.split()
        if path.startswith(OWN):
            plain = re.sub(r"{\w+_id}", "{id}", path)
            assert f"{method} {plain}" in page, where
