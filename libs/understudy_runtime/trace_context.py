"""Where in which trace something happens: what goes with a message from one process to the next, and into log lines.

The two headers are those of W3C Trace Context, over HTTP and over NATS alike. Records know nothing of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

TRACEPARENT: Final = "traceparent"
TRACESTATE: Final = "tracestate"

_VERSION_0 = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_LATER_VERSION = re.compile(r"(?!ff)[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-[\x20-\x7e]*)?")
_STATE_LENGTH_MAX = 512
_STATE_KEY = r"(?:[a-z][_0-9a-z\-*/]{0,255}|[a-z0-9][_0-9a-z\-*/]{0,240}@[a-z][_0-9a-z\-*/]{0,13})"
_STATE_MEMBER = re.compile(rf"{_STATE_KEY}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{{0,255}}[\x21-\x2b\x2d-\x3c\x3e-\x7e]")
_SAMPLED = 1

TRACE_ID: ContextVar[str | None] = ContextVar("trace_id", default=None)
"""Of the trace that what goes on belongs to: every line that is logged meanwhile names it. None: of none."""


@dataclass(frozen=True, slots=True)
class TraceContext:
    """A span, as another process refers to it."""

    trace_id: str
    """32 hexadecimal digits, not all 0."""
    span_id: str
    """16 hexadecimal digits, not all 0."""
    sampled: bool = True
    """Whether it is kept; if not, what follows from it is not to be kept either."""
    state: str = ""
    """``tracestate``: what other systems want to hear again, as it came."""

    @classmethod
    def parse(cls, headers: Mapping[str, str]) -> TraceContext | None:
        """The context in the headers of a request or a message, by lower-case name; None: there is no valid one."""
        text = headers.get(TRACEPARENT)
        if text is None:
            return None
        found = _VERSION_0.fullmatch(text) if text.startswith("00") else _LATER_VERSION.fullmatch(text)
        if found is None or not found[1].strip("0") or not found[2].strip("0"):
            return None
        state = headers.get(TRACESTATE, "")
        return cls(
            found[1],
            found[2],
            sampled=bool(int(found[3], 16) & _SAMPLED),
            state=state if _is_state(state) else "",
        )

    def headers(self) -> dict[str, str]:
        """As it is sent on."""
        found = {TRACEPARENT: f"00-{self.trace_id}-{self.span_id}-{_SAMPLED if self.sampled else 0:02x}"}
        if self.state:
            found[TRACESTATE] = self.state
        return found


def _is_state(text: str) -> bool:
    members = [member.strip(" \t") for member in text.split(",")] if len(text) <= _STATE_LENGTH_MAX else [""]
    return all(not member or _STATE_MEMBER.fullmatch(member) for member in members) and any(members)
