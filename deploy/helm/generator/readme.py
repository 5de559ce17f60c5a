"""The chart's README: an introduction written by hand, then every value in a table."""

from __future__ import annotations

import json
from typing import Any

from deploy.helm.generator.values import Value


def readme(root: Value, *, introduction: str) -> str:
    """The page: values at the top of the file first, then a section for each group."""
    single = [value for value in root.children if not value.is_group]
    sections = [introduction.rstrip(), "## Values", _table(single)]
    for group in root.children:
        if group.is_group:
            words = [f"### {group.name}", *([group.description] if group.description else [])]
            sections += [*words, _table(list(group.leaves()))]
    sections.append("This page is made from `values.yaml` by `make chart-docs`; a test compares them.")
    return "\n\n".join(sections) + "\n"


def _table(values: list[Value]) -> str:
    rows = [f"| `{value.name}` | {_default(value.default)} | {_cell(value.description)} |" for value in values]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *rows])


def _default(value: Any) -> str:
    return f"`{_cell(json.dumps(value, ensure_ascii=False))}`"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")
