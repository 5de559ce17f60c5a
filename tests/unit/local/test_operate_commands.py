"""`understudy switchover`, `policy` and `end`: what they ask of the control API, and what they say of its answers."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from understudy_domain.facts import EndpointConfigured
from understudy_domain.policy import Policy, PolicyKind
from understudy_domain.ticks import from_seconds
from understudy_local import control_api, end, switchover
from understudy_local.cli import app
from understudy_local.errors import ApiRefused, ApiUnreachable, LocalError, NothingToTry
from understudy_local.what_if import Numbers

PRESENT = EndpointConfigured("e" * 32, from_seconds(6), 0, 1, PolicyKind.PREFERRED, 2, from_seconds(30))
ENDPOINT = "origin_endpoints/one"


class Api:
    """A control API in place of a stack's: answers by method and path; the last of several answers stays."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self.asked: list[tuple[str, Any]] = []

    def answer(self, request: str, *answers: Any) -> None:
        self.answers[request] = list(answers)

    def get(self, path: str) -> dict[str, Any]:
        return self._request(f"GET {path}", None)

    def put(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        return self._request(f"PUT {path}", body)

    def post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        return self._request(f"POST {path}", body)

    def _request(self, request: str, body: object) -> dict[str, Any]:
        self.asked.append((request, body))
        known = self.answers[request]
        answer = known.pop(0) if len(known) > 1 else known[0]
        if isinstance(answer, LocalError):
            raise answer
        found: dict[str, Any] = answer
        return found


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Api:
    made = Api()
    monkeypatch.setattr(control_api, "ControlApi", lambda _directory: made)
    monkeypatch.setattr(switchover, "_POLL_SECONDS", 0)
    monkeypatch.setattr(end, "_POLL_SECONDS", 0)
    return made


def run(*words: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, list(words))
    return result.exit_code, result.output


def ordered(name: str = "one", *, to: int = 2) -> dict[str, Any]:
    return {
        "originEndpoint": name,
        "input": to,
        "message": f"It goes over to input {to}.",
        "logSequence": 50,
        "seam": "discontinuity",
        "jumpSeconds": -1.5,
        "standsUntil": "2027-01-15T08:02:00.000Z",
    }


def status(**fields: Any) -> dict[str, Any]:
    return {
        "log_sequence": 60,
        "active_input": 1,
        "since": "2027-01-15T08:00:00.000Z",
        "since_media_sequence": 0,
        "reason": "start",
        "order": {"log_sequence": 50},
        "last": {"media_sequence": 20},
        **fields,
    }


FOLLOWS = status(
    active_input=2, since="2027-01-15T08:01:00.000Z", since_media_sequence=21, reason="switchover", order=None
)


def test_an_order_is_given_and_followed_until_it_is_carried_out(api: Api) -> None:
    api.answer(f"POST {ENDPOINT}/switchover", ordered())
    not_told_yet = {**FOLLOWS, "since_media_sequence": None}
    api.answer(f"GET {ENDPOINT}/status", status(log_sequence=49, order=None), status(), not_told_yet, FOLLOWS)
    api.answer(f"GET {ENDPOINT}/explain?sequence=21", {"discontinuity": False, "sentences": []})
    code, output = run("switchover", "one")
    assert code == 0
    assert output.splitlines() == [
        "one: It goes over to input 2.",
        (
            "one follows input 2 from media sequence 21 on, since 2027-01-15T08:01:00.000Z, reason: switchover, with "
            "no discontinuity."
        ),
    ]
    assert api.asked[0] == (f"POST {ENDPOINT}/switchover", {"force": False})


def test_an_order_that_runs_out_says_why_and_ends_with_one(api: Api) -> None:
    api.answer(f"POST {ENDPOINT}/switchover", ordered())
    api.answer(f"GET {ENDPOINT}/status", status(), status(order=None))
    why = "Input 2 was to be followed (an operator ordered it at 08:00:59.000); it had not completed the slot in time."
    api.answer(f"GET {ENDPOINT}/explain?sequence=20", {"sentences": ["Slot 20 came from input 1.", why]})
    code, output = run("switchover", "one", "--input", "2", "--force", "--json")
    assert code == 1
    told = json.loads(output)
    assert told["ordered"][0]["input"] == 2
    assert told["outcomes"][0]["followed"] is False
    assert (
        told["outcomes"][0]["message"]
        == f"does not follow input 2: the order is off: it has run out, or a policy withdrew it. {why}"
    )
    assert api.asked[0][1] == {"force": True, "input": 2}


def test_an_order_that_another_one_replaced_says_so(api: Api) -> None:
    api.answer(f"POST {ENDPOINT}/switchover", ordered())
    api.answer(f"GET {ENDPOINT}/status", status(order={"log_sequence": 55}))
    code, output = run("switchover", "one")
    assert code == 1
    assert "another order has taken its place" in output


def test_nobody_needs_to_wait(api: Api) -> None:
    api.answer(f"POST {ENDPOINT}/switchover", ordered())
    assert run("switchover", "one", "--no-wait") == (0, "one: It goes over to input 2.\n")
    assert "outcomes" not in json.loads(run("switchover", "one", "--no-wait", "--json")[1])
    assert len(api.asked) == 2


def test_a_refusal_is_told_in_the_words_of_the_api(api: Api) -> None:
    api.answer(f"POST {ENDPOINT}/switchover", ApiRefused("one: It would not be seamless."))
    code, output = run("switchover", "one")
    assert (code, output) == (1, "understudy: one: It would not be seamless.\n")


def json_of(*words: str) -> tuple[int, Any]:
    result = CliRunner().invoke(app, [*words, "--json"])
    return result.exit_code, json.loads(result.stdout)


@pytest.mark.parametrize(
    "words", [("switchover", "one"), ("policy", "one", "sticky"), ("end", "show")], ids=lambda words: str(words[0])
)
def test_a_program_is_told_of_a_refusal_with_the_code_of_the_api(api: Api, words: tuple[str, ...]) -> None:
    for request in (f"POST {ENDPOINT}/switchover", f"PUT {ENDPOINT}/policy", "POST channels/show/end"):
        api.answer(request, ApiRefused("It would not.", "not_seamless"))
    assert json_of(*words) == (1, {"error": {"code": "not_seamless", "message": "It would not."}})


def test_a_program_is_told_what_an_order_looked_like_and_how_long_it_stands(api: Api) -> None:
    api.answer(f"POST {ENDPOINT}/switchover", ordered())
    order = json_of("switchover", "one", "--no-wait")[1]["ordered"][0]
    assert (order["seam"], order["jump_seconds"]) == ("discontinuity", -1.5)
    assert order["stands_until"] == "2027-01-15T08:02:00.000Z"


def test_an_order_that_was_given_is_told_although_the_api_is_gone_by_then(api: Api) -> None:
    api.answer(f"POST {ENDPOINT}/switchover", ordered())
    api.answer(f"GET {ENDPOINT}/status", status(), ApiUnreachable("the control API gives no answer."))
    code, told = json_of("switchover", "one")
    assert (code, told["ordered"][0]["log_sequence"], told["outcomes"]) == (1, 50, [])
    assert told["error"] == {"code": "api_unreachable", "message": "the control API gives no answer."}
    assert "The order was given; what becomes of it is not known." in run("switchover", "one")[1]


@pytest.mark.parametrize("words", [("demo", "stop", "1"), ("demo", "start", "1"), ("export", "show"), ("picture",)])
def test_a_program_is_told_that_no_stack_runs(words: tuple[str, ...], tmp_path: Path) -> None:
    code, told = json_of(*words, "--data-dir", str(tmp_path))
    assert (code, told["error"]["code"]) == (1, "stack_not_running")


def test_a_slot_is_named_one_way() -> None:
    code, output = run("explain", "one", "--at", "12:00:07", "--sequence", "4")
    assert code == 2
    assert "not by both" in output


@pytest.mark.parametrize("option", ["--input", "--preferred-input"])
def test_a_what_if_names_its_input_as_the_policy_does(option: str, tmp_path: Path) -> None:
    code, output = run("what-if", "one", "--policy", "pinned", option, "2", "--data-dir", str(tmp_path))
    assert (code, "no stack runs" in output) == (1, True)


def test_a_what_if_needs_something_to_try(tmp_path: Path) -> None:
    code, output = run("what-if", "one", "--data-dir", str(tmp_path))
    assert (code, "nothing is to be tried" in output) == (1, True)


@pytest.mark.parametrize(("code", "ends_with"), [("already_active", 0), ("pinned", 1)])
def test_all_origin_endpoints_of_a_channel_are_ordered_at_once(api: Api, code: str, ends_with: int) -> None:
    refused = [{"originEndpoint": "two", "code": code, "message": "It does not."}]
    answer = {"channel": "show", "ordered": [ordered()], "refused": refused}
    api.answer("POST channels/show/switchover", answer)
    api.answer(f"GET {ENDPOINT}/status", FOLLOWS)
    api.answer(f"GET {ENDPOINT}/explain?sequence=21", {"discontinuity": True, "sentences": []})
    ended, output = run("switchover", "--channel", "show")
    assert ended == ends_with
    assert "two: It does not." in output
    assert "with a discontinuity" in output


@pytest.mark.parametrize("words", [(), ("one", "--channel", "show")])
def test_either_an_endpoint_or_a_channel_is_named(api: Api, words: tuple[str, ...]) -> None:
    code, output = run("switchover", *words)
    assert (code, api.asked) == (2, [])
    assert "--channel" in output


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ({"policy": "sticky", "input": 1}, "one: sticky: stays where it is"),
        ({"policy": "preferred", "input": 2}, "one: preferred: goes back to input 2 once"),
        ({"policy": "pinned", "input": 2}, "one: pinned to input 2"),
        ({"policy": "off", "input": 1}, "one: off: input 1 as it comes"),
    ],
)
def test_a_policy_is_shown_in_words_or_as_it_is(api: Api, found: dict[str, Any], words: str) -> None:
    whole = {**found, "holdDownSeconds": 30}
    api.answer(f"GET {ENDPOINT}/policy", whole)
    assert run("policy", "one")[1].startswith(words)
    assert json.loads(run("policy", "one", "--json")[1]) == {**found, "hold_down_seconds": 30}


def test_a_policy_is_set_with_what_is_named(api: Api) -> None:
    api.answer(f"PUT {ENDPOINT}/policy", {"policy": "preferred", "input": 1, "holdDownSeconds": 5})
    code, output = run("policy", "one", "preferred", "--input", "1", "--hold-down", "5")
    assert code == 0
    assert "on time for 5 s" in output
    run("policy", "one", "sticky")
    assert [body for _, body in api.asked] == [
        {"policy": "preferred", "input": 1, "holdDownSeconds": 5},
        {"policy": "sticky"},
    ]


@pytest.mark.parametrize("words", [("--input", "1"), ("--hold-down", "5"), ("favourite",), ("pinned", "--input", "3")])
def test_half_a_policy_is_none(api: Api, words: tuple[str, ...]) -> None:
    code, _ = run("policy", "one", *words)
    assert (code, api.asked) == (2, [])


@pytest.mark.parametrize("command", ["switchover", "policy"])
def test_without_a_running_stack_there_is_nothing_to_change(command: str, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, [command, "one", "--data-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "no stack runs" in result.output


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (Numbers(policy=PolicyKind.PINNED), "--input"),
        (Numbers(policy=PolicyKind.STICKY, input_id=1), "about no input"),
        (Numbers(policy=PolicyKind.PINNED, input_id=1, hold_down_seconds=5), "pinned has no hold-down"),
        (Numbers(policy=PolicyKind.STICKY, hold_down_seconds=5), "sticky has no hold-down"),
        (Numbers(policy=PolicyKind.OFF, input_id=2), "input 1 and no other"),
    ],
)
def test_a_what_if_that_contradicts_itself_is_told(numbers: Numbers, said: str) -> None:
    with pytest.raises(NothingToTry, match=said):
        numbers.policy_beside(PRESENT)


@pytest.mark.parametrize(
    ("numbers", "policy"),
    [
        (Numbers(), Policy(PolicyKind.PREFERRED, 2, from_seconds(30))),
        (Numbers(hold_down_seconds=5), Policy(PolicyKind.PREFERRED, 2, from_seconds(5))),
        (Numbers(policy=PolicyKind.PREFERRED), Policy(PolicyKind.PREFERRED, 2, from_seconds(30))),
        (Numbers(policy=PolicyKind.PINNED, input_id=1), Policy(PolicyKind.PINNED, 1, from_seconds(30))),
        (Numbers(policy=PolicyKind.STICKY), Policy(PolicyKind.STICKY, 1, from_seconds(30))),
    ],
)
def test_a_what_if_leaves_as_it_is_what_is_not_named(numbers: Numbers, policy: Policy) -> None:
    assert numbers.policy_beside(PRESENT) == policy


# --- end --------------------------------------------------------------------------------------------------------------

END = "POST channels/show/end"
TAKEN = {"channel": "show", "originEndpoints": ["one"], "message": "The programme ends on one.", "logSequence": 50}
ON_AIR = status(ended=False, ends_at="2027-01-15T08:02:00.000Z")


def test_an_end_is_ordered_and_waited_for(api: Api) -> None:
    api.answer(END, TAKEN)
    not_read_yet = status(log_sequence=49, ended=False, ends_at=None)
    api.answer(f"GET {ENDPOINT}/status", not_read_yet, ON_AIR, status(ended=True, ends_at=None))
    assert run("end", "show") == (
        0,
        "show: The programme ends on one.\none has ended with media sequence 20.\n",
    )
    assert api.asked[0] == (END, {})


def test_what_came_meanwhile_keeps_a_programme_live_and_is_told(api: Api) -> None:
    api.answer(END, TAKEN)
    api.answer(f"GET {ENDPOINT}/status", status(ended=False, ends_at=None))
    code, told = run("end", "show")
    assert code == 1
    assert told.endswith("one goes on: something has come from an input.\n")


def test_the_rest_of_a_last_slot_is_not_waited_for_long(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(end, "_PATIENCE_SECONDS", -1)
    api.answer(END, TAKEN)
    api.answer(f"GET {ENDPOINT}/status", ON_AIR)
    code, told = run("end", "show", "--json")
    assert code == 0
    assert json.loads(told) == {
        "channel": "show",
        "origin_endpoints": ["one"],
        "message": "The programme ends on one.",
        "log_sequence": 50,
        "outcomes": [
            {
                "origin_endpoint": "one",
                "ended": None,
                "message": "ends once what there is of its last slot is published.",
                "media_sequence": None,
            }
        ],
    }


def test_an_end_that_is_refused_says_why(api: Api) -> None:
    api.answer(END, ApiRefused("show: input 1 is still delivering: stop what pushes there first"))
    code, told = run("end", "show", "--no-wait")
    assert code == 1
    assert "input 1 is still delivering" in told


# --- declared resources -----------------------------------------------------------------------------------------------


def test_a_declaration_is_checked_applied_or_exported_but_one_at_a_time(tmp_path: Path) -> None:
    told = CliRunner().invoke(app, ["declare", str(tmp_path / "d.yaml"), "--check", "--prune"])
    assert told.exit_code == 2
    assert "exclude each other" in told.output


def test_a_declaration_is_applied_to_a_stack_that_runs(tmp_path: Path) -> None:
    words = ["declare", str(tmp_path / "d.yaml"), "--data-dir", str(tmp_path), "--json"]
    told = CliRunner().invoke(app, words)
    assert told.exit_code == 1
    assert json.loads(told.stdout)["error"]["code"] == "stack_not_running"
