"""Signatures as Standard Webhooks has them, held against an example of the specification's libraries."""

from __future__ import annotations

import base64

import pytest

from support.webhook_receiver import documented_verification
from understudy_domain.webhooks.signature import parse_secret, signed_headers

SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER = "whsec_" + base64.b64encode(b"x" * 64).decode()


def test_a_known_example_is_signed_as_known() -> None:
    """The example that the libraries of Standard Webhooks are tested with."""
    found = signed_headers(
        "msg_p5jXN8AQM9LWM0D4loKWxJek", b'{"test": 2432232314}', keys=[parse_secret(SECRET)], now_seconds=1_614_265_330
    )
    assert found == {
        "webhook-id": "msg_p5jXN8AQM9LWM0D4loKWxJek",
        "webhook-timestamp": "1614265330",
        "webhook-signature": "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=",
    }


def test_two_secrets_are_two_signatures_either_of_which_is_enough(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time", lambda: 1_000.0)
    headers = signed_headers("id", b"body", keys=[parse_secret(OTHER), parse_secret(SECRET)], now_seconds=900)
    is_genuine = documented_verification()
    assert len(headers["webhook-signature"].split()) == 2
    assert is_genuine(headers, b"body", SECRET)
    assert is_genuine(headers, b"body", OTHER)
    assert not is_genuine(headers, b"Body", SECRET)
    assert not is_genuine({**headers, "webhook-id": "other"}, b"body", SECRET)
    assert not is_genuine({**headers, "webhook-timestamp": "901"}, b"body", SECRET)
    monkeypatch.setattr("time.time", lambda: 1_300.0)
    assert not is_genuine(headers, b"body", SECRET)


@pytest.mark.parametrize("length", [24, 32, 64])
def test_keys_of_the_specified_lengths_are_taken(length: int) -> None:
    key = bytes(range(length))
    assert parse_secret("whsec_" + base64.b64encode(key).decode()) == key


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "should be whsec_ and 24 to 64 bytes in base64"),
        ("hunter2", "should be whsec_ and 24 to 64 bytes in base64"),
        ("whsec_not base64!", "should be base64 after whsec_"),
        ("whsec_é", "should be base64 after whsec_"),
        ("whsec_" + base64.b64encode(b"x" * 23).decode(), "this is base64 of 23"),
        ("whsec_" + base64.b64encode(b"x" * 65).decode(), "this is base64 of 65"),
    ],
)
def test_what_is_no_secret_is_refused_without_being_quoted(text: str, words: str) -> None:
    with pytest.raises(ValueError, match=words) as refused:
        parse_secret(text)
    assert "hunter2" not in str(refused.value)
