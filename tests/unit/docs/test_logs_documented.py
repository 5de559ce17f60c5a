"""docs/operations/logs.md names every field that a line of a log may have."""

from __future__ import annotations

import re

from support.log_fields import fields
from support.metric_catalogue import ROOT

PAGE = ROOT / "docs" / "operations" / "logs.md"


def test_the_page_names_the_fields_that_the_code_gives_to_its_logs_and_no_others() -> None:
    table = PAGE.read_text().partition("| field | what |")[2]
    named = re.findall(r"^\| (`[^|]+`) \|", table, re.MULTILINE)
    assert {field for row in named for field in re.findall(r"`(\w+)`", row)} == fields()
