"""`understudy explain`, `what-if` and `export`, without a stack: what they say of what is not there."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from support.program_entries import make_entry
from understudy_domain.ticks import from_seconds
from understudy_local.cli import app
from understudy_local.errors import NoSuchResource
from understudy_local.explain import instant_of, pick


@pytest.mark.parametrize("command", [("explain", "one"), ("what-if", "one", "--time-delay", "9"), ("export", "show")])
def test_without_a_running_stack_there_is_nothing_to_read(command: tuple[str, ...], tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [*command, "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "no stack runs" in result.output


@pytest.mark.parametrize("command", [("explain",), ("what-if", "--time-delay", "9")], ids=lambda words: str(words[0]))
@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "there is no file"),
        (b"plain text", "is no export, or damaged"),
        (gzip.compress(b'{"type":"else","version":1}\n'), "no export that this release reads"),
        (gzip.compress(b'{"type":"understudy.export","version":2}\n'), "no export that this release reads"),
        (gzip.compress(b'{"type":"understudy.export","version":1}\n'), "is no export, or damaged"),
        (gzip.compress(b'{"type":"understudy.export","version":1}\n')[:-4], "is no export, or damaged"),
    ],
    ids=["absent", "not packed", "another record", "a newer export", "no channel", "cut off"],
)
def test_a_file_that_is_no_export_is_told_in_a_sentence(
    command: tuple[str, ...], content: bytes | None, sentence: str, tmp_path: Path
) -> None:
    path = tmp_path / "file.gz"
    if content is not None:
        path.write_bytes(content)
    result = CliRunner().invoke(app, [*command, "one", "--file", str(path)])
    assert result.exit_code == 1
    assert sentence in " ".join(result.output.split())


def test_a_time_that_is_none_is_refused() -> None:
    result = CliRunner().invoke(app, ["explain", "one", "--at", "noon"])
    assert result.exit_code == 2
    assert "noon" in result.output


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2027-01-15T08:00:01.500Z", 1_800_000_001.5),
        ("2027-01-15T09:00:00+01:00", 1_800_000_000),
        ("2027-01-15 08:00:00", 1_800_000_000),
    ],
)
def test_a_time_has_a_zone_or_is_utc(text: str, seconds: float) -> None:
    assert instant_of(text) == from_seconds(seconds)


def test_a_slot_is_picked_by_number_by_its_programme_or_as_the_newest() -> None:
    entries = [make_entry(number) for number in range(5)]
    assert pick(entries, "one", sequence=3, at=None) is entries[3]
    middle = entries[2].program_date_time + from_seconds(1)
    assert pick(entries, "one", sequence=None, at=middle) is entries[2]
    assert pick(entries, "one", sequence=None, at=None) is entries[4]
    with pytest.raises(NoSuchResource, match="media sequence 9"):
        pick(entries, "one", sequence=9, at=None)
    with pytest.raises(NoSuchResource, match="programme of"):
        pick(entries, "one", sequence=None, at=0)
    with pytest.raises(NoSuchResource, match="no slot yet"):
        pick([], "one", sequence=None, at=None)
