"""Structured logs."""

from __future__ import annotations

import json
import logging
import sys

import pytest

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


def test_what_others_wrote_begins_no_other_line_and_moves_no_cursor() -> None:
    written = record("refused: %s", "a\nb\r\x1b[2J\x9b\u2028\u202ec", path="/in/\n05:00:00.040 INFO    ingest  stored")
    assert TextFormatter("ingest").format(written) == (
        r"05:00:00.040 INFO    ingest  refused: a\nb\r\x1b[2J\x9b\u2028\u202ec"
        r'  path="/in/\n05:00:00.040 INFO    ingest  stored"'
    )
    line = JsonFormatter("ingest").format(written)
    assert not {"\n", "\r", "\x1b", "\x9b", "\u2028"} & set(line)
    assert json.loads(line)["message"] == "refused: a\nb\r\x1b[2J\x9b\u2028\u202ec"


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("news", "news"),
        ("/in/größe.ts", "/in/größe.ts"),
        (3, "3"),
        (None, "None"),
        ("", '""'),
        ("a  status=201", '"a  status=201"'),
        ("status=201", '"status=201"'),
        ('a" b', r'"a\" b"'),
        ("a\\", r'"a\\"'),
        ("\x1b[2J", r'"\x1b[2J"'),
    ],
)
def test_where_a_value_ends_is_never_in_doubt(value: object, told: str) -> None:
    line = TextFormatter("ingest").format(record("stored", path=value, size=3))
    assert line == f"05:00:00.040 INFO    ingest  stored  path={told}  size=3"


def test_a_message_adds_no_key() -> None:
    line = TextFormatter("ingest").format(record("refused %s", "a  channel=news", channel="sport"))
    assert line == r"05:00:00.040 INFO    ingest  refused a \x20channel=news  channel=sport"


def test_the_lines_of_a_traceback_are_indented_whatever_the_exception_says() -> None:
    failed = record("failed")
    nothing: dict[str, str] = {}
    try:
        nothing["because\n05:00:00.040 INFO    ingest  \x1b[2J"]
    except KeyError as err:
        failed.exc_info = (ValueError, ValueError(*err.args), err.__traceback__)
    first, *below = TextFormatter("ingest").format(failed).split("\n")
    assert first == "05:00:00.040 INFO    ingest  failed"
    assert all(line.startswith("    ") and line.isprintable() for line in below)
    assert any("because" in line for line in below)
