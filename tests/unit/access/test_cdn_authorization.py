"""From the name of a secret to its file, and what that may hold."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from understudy_domain.cdn_authorization import Authorization, MalformedSecret, parse_secret, secret_file_name
from understudy_domain.errors import InvalidResource

ARN = "arn:aws:secretsmanager:us-west-2:111122223333:secret:"


@pytest.mark.parametrize(
    ("named", "file_name"),
    [
        (f"{ARN}MediaPackage/cdn-AbCdEf", "MediaPackage.cdn"),
        (f"{ARN}cdn-secret-1b2C3d", "cdn-secret"),
        (f"{ARN}cdn", "cdn"),
        ("arn:aws-cn:secretsmanager:cn-north-1:111122223333:secret:cdn-AbCdEf", "cdn"),
        ("cdn", "cdn"),
        # Without an ARN there is no suffix of AWS's.
        ("my-secret", "my-secret"),
        ("prod/cdn", "prod.cdn"),
        ("a_b+c=d@e.f", "a_b+c=d@e.f"),
    ],
)
def test_a_secret_has_one_file(named: str, file_name: str) -> None:
    assert secret_file_name(named) == file_name


@pytest.mark.parametrize(
    "named",
    [
        *("", ".", "..", "..data", "/etc/passwd", "../x", ".hidden", "a\\b", "a b", "a\n", "a\0", "ä", "x" * 254),
        *(ARN, f"{ARN}../../etc/passwd-AbCdEf", f"{ARN}-AbCdEf", "arn:aws:s3:::bucket", "arn:aws:iam::1:role/x"),
    ],
)
def test_what_names_no_secret_is_refused_with_the_field(named: str) -> None:
    with pytest.raises(InvalidResource, match=r"authorization\.cdnIdentifierSecret"):
        Authorization(named, "role")


@given(st.text(max_size=60) | st.text("arn:.-/wsetcmagr0Aab", max_size=60).map(lambda text: ARN + text))
def test_no_name_leads_out_of_the_directory(named: str) -> None:
    try:
        file_name = secret_file_name(named)
    except InvalidResource:
        return
    assert "/" not in file_name
    assert "\0" not in file_name
    assert not file_name.startswith(".")
    assert 0 < len(file_name.encode()) <= 253


@pytest.mark.parametrize(
    ("content", "identifiers"),
    [
        (b'{"MediaPackageCDNIdentifier": "first-one"}', (b"first-one",)),
        (b' {"MediaPackageCDNIdentifier": ["first-one", "second-two"], "other": 1}\n', (b"first-one", b"second-two")),
        (b"first-one", (b"first-one",)),
        (b"first-one\r\n\r\n  second-two  \r\n", (b"first-one", b"second-two")),
        (b"first-one\nfirst-one\n", (b"first-one",)),
        (b"a secret with spaces", (b"a secret with spaces",)),
    ],
)
def test_a_file_holds_one_identifier_or_more(content: bytes, identifiers: tuple[bytes, ...]) -> None:
    assert parse_secret(content) == identifiers


@pytest.mark.parametrize(
    "content",
    [
        *(b"", b" \n", b"{", b"{}", b'{"MediaPackageCDNIdentifier": ""}', b'{"MediaPackageCDNIdentifier": [""]}'),
        *(b'{"MediaPackageCDNIdentifier": 1}', b'{"MediaPackageCDNIdentifier": null}', b'{"mediapackage": "x"}'),
        *(b'{"MediaPackageCDNIdentifier": [["x"]]}', b"\xff\xfe", "gehe\u0131m".encode(), b"a\0b", b'{"a":' * 100_000),
        *(b"7-chars", b"long-enough\nshort", b'{"MediaPackageCDNIdentifier": ["long-enough", "a"]}'),
    ],
)
def test_what_holds_no_identifier_is_refused_without_being_quoted(content: bytes) -> None:
    with pytest.raises(MalformedSecret) as caught:
        parse_secret(content)
    assert caught.value.__cause__ is None


@given(st.lists(st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), min_size=8), min_size=1))
def test_whatever_a_header_can_carry_can_be_written_as_json(identifiers: list[str]) -> None:
    content = json.dumps({"MediaPackageCDNIdentifier": identifiers}).encode()
    assert parse_secret(content) == tuple(dict.fromkeys(identifier.encode() for identifier in identifiers))
