"""One JSON file with everything, one table with what follows."""

from __future__ import annotations

import json
import os
import platform
import re
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from bench.result import Figure, Result

_LOOK_SECONDS = 1.0


def machine_facts() -> dict[str, object]:
    """What the figures depend on; nothing that names the machine."""
    return {
        "cores": len(os.sched_getaffinity(0)),
        "processor": _processor(),
        "system": platform.system(),
        "python": platform.python_version(),
        "busy_fraction_before": _busy_fraction(),
    }


def _busy_fraction() -> float:
    """How much of all cores is used now, 0 to 1, while nothing is being measured."""
    busy_before, all_before = _core_times()
    time.sleep(_LOOK_SECONDS)
    busy_after, all_after = _core_times()
    return (busy_after - busy_before) / (all_after - all_before)


def _core_times() -> tuple[int, int]:
    """``(busy, all)`` time of all cores since the start of the machine."""
    user, nice, system, idle, waiting, *rest = map(int, Path("/proc/stat").read_text().partition("\n")[0].split()[1:9])
    busy = user + nice + system + sum(rest)
    return busy, busy + idle + waiting


def _processor() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1] if found else platform.machine()


def as_json(
    results: Sequence[Result], *, machine: Mapping[str, object], skipped: Mapping[str, str], failed: Mapping[str, str]
) -> str:
    """Everything that was found, raw runs included."""
    plain = {
        "machine": dict(machine),
        "results": [_result(result) for result in results],
        "skipped": dict(skipped),
        "failed": dict(failed),
    }
    return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"


def _result(result: Result) -> dict[str, object]:
    return {
        "case": result.case,
        "title": result.title,
        "figures": [_figure(figure) for figure in result.figures],
        "notes": list(result.notes),
        "runs": [{"subject": run.subject, "round": run.round, **run.values} for run in result.runs],
    }


def _figure(figure: Figure) -> dict[str, object]:
    plain: dict[str, object] = {"name": figure.name, "value": figure.value, "unit": figure.unit}
    if figure.goal is not None:
        plain |= {
            "goal": {"bound": figure.goal.bound.value, "limit": figure.goal.limit},
            "reached": figure.goal.is_reached(figure.value),
        }
    return plain


def as_table(result: Result) -> str:
    """One case for a terminal."""
    lines = ["", f"{result.case}: {result.title}"]
    lines += [f"  ({note})" for note in result.notes]
    for figure in result.figures:
        verdict = ""
        if figure.goal is not None:
            verdict = f"  {figure.goal!s:<8} {'reached' if figure.goal.is_reached(figure.value) else 'NOT REACHED'}"
        lines.append(f"  {figure.name:<52} {_number(figure.value):>10} {figure.unit:<4}{verdict}")
    return "\n".join(lines)


def _number(value: float) -> str:
    if value == int(value) or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"
