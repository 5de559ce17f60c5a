import dataclasses

import pytest
from bench.__main__ import main
from bench.cases import CASES
from bench.context import Case


def test_every_case_has_a_name_of_its_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES)


def test_the_list_names_every_case(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0
    listed = capsys.readouterr().out
    assert all(case.name in listed for case in CASES)


def test_an_unknown_case_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["no-such-case"])
    assert "no-such-case" in capsys.readouterr().err


def test_a_case_says_which_program_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.context.find_nginx", lambda: None)
    case: Case = dataclasses.replace(CASES[0], programs=frozenset({"nginx"}))
    assert case.missing_programs() == ["nginx"]
