"""Webhooks as the control API tells of them, in lines for people."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


def as_text(found: Mapping[str, Any]) -> str:
    """What ``GET /understudy/v1/webhooks`` answers, a line for each webhook, and one for a wrong file."""
    webhooks: Sequence[Mapping[str, Any]] = found["webhooks"]
    lines = [_line(one) for one in webhooks] or ["There is no webhook: UNDERSTUDY_WEBHOOKS_FILE names none."]
    if found["file_problem"]:
        lines.append(f"The file cannot be used as it is: {found['file_problem']}")
    return "\n".join(lines)


def _line(one: Mapping[str, Any]) -> str:
    return f"{one['name']:<16}  {one['receiver']:<32}  {one['condition']:<7}  {_words(one)}"


def _words(one: Mapping[str, Any]) -> str:
    last = f"took the last event {one['last_taken_at']}" if one["last_taken_at"] else "has taken no event yet"
    if one["condition"] == "failing":
        tries = f"since {one['failing_since']}, {one['failures']} attempts: {one['problem']}"
        return f"{tries}; {one['waiting']} wait, the next attempt comes {one['try_at']}; {last}"
    return f"{last}; what came last was dropped: {one['problem']}" if one["problem"] else last
