"""Structured logs on stderr: one JSON object a line, or one line of text for people."""

from __future__ import annotations

import json
import logging
import re
import sys
from typing import Any, Literal

from typing_extensions import override

from understudy_domain import ticks
from understudy_runtime.trace_context import TRACE_ID

_OWN_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "color_message"}
_UNESCAPED_BY_JSON = re.compile("[\x7f-\x9f\u2028\u2029\ud800-\udfff]")
"""What begins another line, or moves a terminal's cursor, in some readers of JSON."""
_BARE = re.compile(r"[^\s\"'=\\]+")
"""Values that need no quotes: nothing in them looks like an end, or like another name."""


class _Formatter(logging.Formatter):
    def __init__(self, service: str) -> None:
        super().__init__()
        self._service = service

    def _extras(self, record: logging.LogRecord) -> dict[str, Any]:
        extras = {name: value for name, value in vars(record).items() if name not in _OWN_FIELDS}
        trace_id = TRACE_ID.get()
        return extras if trace_id is None else {**extras, "trace_id": trace_id}

    def _exception(self, record: logging.LogRecord) -> str | None:
        return self.formatException(record.exc_info) if record.exc_info and record.exc_info[0] else None


class JsonFormatter(_Formatter):
    """``{"time":…,"level":…,"service":…,"logger":…,"message":…}``, then what was given as ``extra``."""

    @override
    def format(self, record: logging.LogRecord) -> str:
        """One line of JSON; values that JSON does not know become strings."""
        line: dict[str, Any] = {
            "time": _iso8601(record),
            "level": record.levelname.lower(),
            "service": self._service,
            "logger": record.name,
            "message": record.getMessage(),
            **self._extras(record),
        }
        exception = self._exception(record)
        if exception is not None:
            line["exception"] = exception
        text = json.dumps(line, default=str, ensure_ascii=False)
        return _UNESCAPED_BY_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


class TextFormatter(_Formatter):
    """``10:15:02.040 INFO    ingest  message  key=value  key="a value with blanks"``.

    Much of what is told was written by others: whatever they put into it, it begins no other line, moves no cursor and
    adds no key. Two blanks in a row stand before a key only.
    """

    @override
    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback, indented, below it where there is one."""
        message = _printable(record.getMessage().rstrip()).replace("  ", r" \x20")
        extras = "".join(f"  {name}={_value(value)}" for name, value in self._extras(record).items())
        line = f"{_iso8601(record)[11:23]} {record.levelname:<7} {self._service}  {message}{extras}"
        exception = self._exception(record)
        if exception is None:
            return line
        return "\n".join([line, *(f"    {_printable(below)}" for below in exception.split("\n"))])


def _value(value: object) -> str:
    text = str(value)
    if _BARE.fullmatch(text) and text.isprintable():
        return text
    quoted = text.replace("\\", r"\\").replace('"', r"\"")
    return f'"{_printable(quoted)}"'


def _printable(text: str) -> str:
    """With escapes, as Python writes them, for what is not to be seen: line ends, ESC, marks of direction."""
    if text.isprintable():
        return text
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


def _iso8601(record: logging.LogRecord) -> str:
    return ticks.to_iso8601(ticks.from_seconds(record.created))


def configure(*, service: str, level: str = "INFO", log_format: Literal["json", "text"] = "json") -> None:
    """Send this process's logs to stderr; called once, before anything else.

    Libraries speak from WARNING up, whatever the level, so that theirs never drown ours.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter(service) if log_format == "json" else TextFormatter(service))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.WARNING)
    for ours in ("understudy_domain", "understudy_runtime", f"understudy_{service}"):
        logging.getLogger(ours).setLevel(level)
