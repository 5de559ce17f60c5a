"""The dashboards as they are rendered, and the queries in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import override

from support.alert_rules import MONITORING

DASHBOARDS = sorted((MONITORING / "dashboards").glob("*.json"))


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """A query of a panel, or of a variable."""

    dashboard: str
    panel: str
    expression: str

    def with_variables(self, variables: Mapping[str, str]) -> str:
        """The expression, as Grafana sends it."""
        expression = self.expression
        for name, value in variables.items():
            expression = expression.replace(f"${name}", value)
        return expression

    @override
    def __str__(self) -> str:
        return f"{self.dashboard}: {self.panel}: {self.expression}"


def loaded(path: Path) -> dict[str, Any]:
    """A dashboard's JSON."""
    plain = json.loads(path.read_text())
    assert isinstance(plain, dict)
    return plain


def queries() -> Iterator[PanelQuery]:
    """Every query of every panel."""
    for path in DASHBOARDS:
        for panel in loaded(path)["panels"]:
            for target in panel.get("targets", ()):
                yield PanelQuery(path.stem, panel["title"], target["expr"])
