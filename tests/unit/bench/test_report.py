import json
import platform

from bench.report import as_json, as_table, machine_facts
from bench.result import Figure, Result, Run, at_least

RESULT = Result(
    case="playlist-200",
    title="a playlist",
    figures=(Figure("x nginx", 0.65, "x", at_least(0.7)), Figure("requests", 12_345.6, "1/s")),
    runs=(Run("egress", 0, {"requests": 24_691.0}), Run("nginx", 0, {"requests": 38_000.0})),
)


def test_the_file_holds_every_raw_run_beside_the_figures() -> None:
    plain = json.loads(as_json([RESULT], machine={"cores": 2}, skipped={"other": "needs nginx"}, failed={}))

    (result,) = plain["results"]
    assert result["runs"] == [
        {"subject": "egress", "round": 0, "requests": 24_691.0},
        {"subject": "nginx", "round": 0, "requests": 38_000.0},
    ]
    assert result["figures"][0] == {
        "name": "x nginx",
        "value": 0.65,
        "unit": "x",
        "goal": {"bound": "at least", "limit": 0.7},
        "reached": False,
    }
    assert "goal" not in result["figures"][1]
    assert plain["skipped"] == {"other": "needs nginx"}


def test_the_table_says_what_was_not_reached() -> None:
    table = as_table(RESULT)
    assert "NOT REACHED" in table
    assert "12,346" in table


def test_the_machine_is_described_without_its_name() -> None:
    assert platform.node() not in json.dumps(machine_facts())
