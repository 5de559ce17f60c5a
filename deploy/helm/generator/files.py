"""What the chart carries a copy of, since a chart reads nothing outside its own folder: alert rules and dashboards."""

from __future__ import annotations

from pathlib import Path

MONITORING = Path(__file__).parents[2] / "monitoring"

_CARRIED = {"alerts": "*.yaml", "dashboards": "*.json"}


def carried(chart: Path) -> dict[Path, str]:
    """Each copy's path, and what should stand in it."""
    return {
        chart / "files" / folder / original.name: original.read_text()
        for folder, pattern in _CARRIED.items()
        for original in sorted((MONITORING / folder).glob(pattern))
    }


def left_over(chart: Path) -> list[Path]:
    """Copies of what is not there any more."""
    wanted = carried(chart)
    return [path for path in sorted((chart / "files").rglob("*")) if path.is_file() and path not in wanted]
