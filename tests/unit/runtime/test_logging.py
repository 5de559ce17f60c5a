"""Structured logs."""

from __future__ import annotations

import json
import logging
import sys

from understudy_runtime.logging import JsonFormatter, TextFormatter


def record(message: str, *arguments: object, **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"msg": message, "args": arguments, "levelname": "INFO", "name": "understudy_test"})
    made.created = 1795410000.04
    vars(made).update(extra)
    return made


def test_a_line_of_json_holds_message_and_extras() -> None:
    line = json.loads(JsonFormatter("ingest").format(record("%s stored", "it", channel="news", size=3)))
    assert line == {
        "time": "2026-11-23T05:00:00.040Z",
        "level": "info",
        "service": "ingest",
        "logger": "understudy_test",
        "message": "it stored",
        "channel": "news",
        "size": 3,
    }


def test_a_value_that_json_does_not_know_becomes_text() -> None:
    assert json.loads(JsonFormatter("ingest").format(record("x", what={1}.__class__)))["what"] == "<class 'set'>"


def test_an_exception_is_told_with_its_traceback() -> None:
    failed = record("failed")
    try:
        int("because")
    except ValueError:
        failed.exc_info = sys.exc_info()
    line = JsonFormatter("ingest").format(failed)
    assert "\n" not in line
    assert "ValueError: invalid literal" in json.loads(line)["exception"]


def test_a_line_for_people_has_the_time_first() -> None:
    assert TextFormatter("ingest").format(record("stored", size=3)) == ("05:00:00.040 INFO    ingest  stored  size=3")
