"""Files of declared resources: what is right, and for each mistake its line, its resource and its field."""

from __future__ import annotations

import re
from collections.abc import Mapping
from textwrap import dedent

import pytest

from understudy_controller.declare.declaration import Declaration, DeclarationInvalid, Pair, parse_declaration

GUID = "0123456789abcdef0123456789abcdef"
OTHER = "f" * 32

WHOLE = f"""
channels:
  - id: news
    guid: {GUID}
    description: The news
    tags: {{team: news}}
    ingressAccessLogs: {{}}
    hlsIngest:
      ingestEndpoints:
        - username: encoder-1
          passwordFile: one
        - id: {OTHER}
          usernameFile: two-name
          password: "s3cret"
originEndpoints:
  - id: news-hls
    channelId: news
    timeDelaySeconds: 10
    hlsPackage:
      segmentDurationSeconds: 4
    policy:
      policy: preferred
      input: 2
      holdDownSeconds: 300
"""
FILES = {"one": "first", "two-name": "encoder-2", "blank": "a b"}


def parse(text: str, files: Mapping[str, str] | None = FILES) -> Declaration:
    def read(name: str) -> str:
        assert files is not None
        if name not in files:
            raise ValueError("the file is missing")
        return files[name]

    return parse_declaration(dedent(text), name="d.yaml", read_secret=None if files is None else read)


def mistakes(text: str, files: Mapping[str, str] | None = FILES) -> list[str]:
    with pytest.raises(DeclarationInvalid) as refused:
        parse(text, files)
    return str(refused.value).splitlines()


def test_a_whole_file_is_read() -> None:
    declaration = parse(WHOLE)
    channel, endpoint = declaration.channels["news"], declaration.origin_endpoints["news-hls"]
    assert (channel.request.guid, channel.request.description, channel.request.tags) == (
        GUID,
        "The news",
        {"team": "news"},
    )
    assert channel.pairs == (Pair("encoder-1", "first"), Pair("encoder-2", "s3cret"))
    assert endpoint.request.policy is not None
    assert endpoint.request.policy.input == 2


def test_without_the_files_of_secrets_the_rest_is_checked() -> None:
    assert parse(WHOLE, None).channels
    assert mistakes(WHOLE.replace("s3cret", "s3 cret"), None)


def test_a_digest_is_of_what_is_said_and_of_secrets() -> None:
    present = parse(WHOLE).channels["news"].digest
    assert parse(WHOLE + "# a remark\n").channels["news"].digest == present
    assert parse(WHOLE, {**FILES, "one": "other"}).channels["news"].digest != present
    assert parse(WHOLE.replace("The news", "No news")).channels["news"].digest != present


def channel(*lines: str) -> str:
    return "\n".join(["channels:", "  - id: news", *(f"    {line}" for line in lines)])


def endpoint(*lines: str) -> str:
    head = ["channels: [{id: news}]", "originEndpoints:", "  - id: hls", "    channelId: news"]
    return "\n".join([*head, *(f"    {line}" for line in lines)])


INGEST = ("hlsIngest:", "  ingestEndpoints:")

MISTAKES = {
    "nothing": ("", ["d.yaml:1: the file is empty; to declare nothing, write: channels: []"]),
    "no yaml": ("channels:\n  - id: [news\n", [r"d.yaml:3: not YAML: .*"]),
    "a tab": ("channels:\n\t- id: news\n", [r"d.yaml:2: not YAML: .*"]),
    "a tag of python's": ("channels: !!python/object:os.system {}", [r"d.yaml:1: not to be read: a tag, .*"]),
    "a tag that a value belies": (channel("tags: {a: !!bool hush}"), [r"d.yaml:3: not to be read: a tag, .*"]),
    "a date that is none": (
        channel("description: 2026-13-45"),
        [r"d.yaml:3: not YAML: neither a date .*"],
    ),
    "itself": ("channels:\n- &a [*a]\n", ["d.yaml:1: not to be read: it is nested without end"]),
    "a list": ("- id: news", ["d.yaml:1: should be a mapping of names to values"]),
    "another word": ("channel: []", ["d.yaml:1: channel: unknown field"]),
    "no list": ("channels:\n  id: news", ["d.yaml:1: channels: input should be a valid list"]),
    "no mapping": ("channels:\n  - news", [r"d.yaml:2: channels\[0\]: should be a mapping of names to values"]),
    "no id": ("channels:\n  - description: d", [r"d.yaml:2: channels\[0\]: id: required"]),
    "a bad id": ("channels:\n  - id: a b", [r"d.yaml:2: channel a b: id: string should match pattern .*"]),
    "a number for a text": (
        channel("description: 5", "tags: {a: 1}"),
        [
            "d.yaml:3: channel news: description: input should be a valid string; put it in quotes",
            "d.yaml:4: channel news: tags.a: input should be a valid string; put it in quotes",
        ],
    ),
    "a misspelt field": (channel("descripton: d"), ["d.yaml:3: channel news: descripton: unknown field"]),
    "a guid that is none": (
        channel("guid: abc"),
        [r"d.yaml:3: channel news: guid: must be 32 hexadecimal digits.*"],
    ),
    "a word twice": (
        channel("description: a", "description: b"),
        ["d.yaml:4: description: stands twice in the same place"],
    ),
    "an id twice": (
        "channels:\n  - id: news\n  - id: sport\n  - id: news",
        ["d.yaml:4: channel news: id: this id is declared in line 2 already"],
    ),
    "a guid twice": (
        channel(f"guid: {GUID}") + f"\n  - id: sport\n    guid: {GUID}",
        [f"d.yaml:5: channel sport: guid: {GUID} is the guid of channel news already"],
    ),
    "one ingest endpoint": (
        channel(*INGEST, "    - {username: a, password: b}"),
        [r"d.yaml:4: channel news: hlsIngest.ingestEndpoints: list should have at least 2 items.*"],
    ),
    "half a pair": (
        channel(*INGEST, "    - {username: a}", "    - {}"),
        ["d.yaml:5: channel news: hlsIngest.ingestEndpoints.0.password: required, credentials are pinned as a pair"],
    ),
    "both a value and a file": (
        channel(*INGEST, "    - {}", "    - username: a", "      password: b", "      passwordFile: one"),
        [r"d.yaml:8: channel news: hlsIngest.ingestEndpoints.1.passwordFile: either the value or a file .*"],
    ),
    "a file that is missing": (
        channel(*INGEST, "    - {}", "    - username: a", "      passwordFile: gone"),
        [r"d.yaml:7: channel news: .*1.passwordFile: the file is missing"],
    ),
    "a file that holds no password": (
        channel(*INGEST, "    - {}", "    - username: a", "      passwordFile: blank"),
        [r"d.yaml:7: channel news: .*1.passwordFile: the file holds no password: printable ASCII without blanks"],
    ),
    "a first ingest endpoint of its own": (
        channel(f"guid: {GUID}", *INGEST, f"    - id: {OTHER}", "    - {}"),
        [r"d.yaml:6: channel news: .*0.id: the first ingest endpoint's is the channel's guid"],
    ),
    "no packager": (endpoint(), [r"d.yaml:3: origin endpoint hls: hlsPackage: required, .*"]),
    "two packagers": (
        endpoint("hlsPackage: {}", "dashPackage: {}"),
        [r"d.yaml:5: origin endpoint hls: an origin endpoint has exactly one packager, .*"],
    ),
    "what is not done yet": (
        endpoint("hlsPackage:", "  adMarkers: DATERANGE", "  encryption: {}"),
        [
            "d.yaml:6: origin endpoint hls: hlsPackage.adMarkers: DATERANGE cannot be honoured yet",
            "d.yaml:7: origin endpoint hls: hlsPackage.encryption cannot be honoured yet",
        ],
    ),
    "what contradicts itself": (
        endpoint("hlsPackage: {}", "startoverWindowSeconds: 20", "timeDelaySeconds: 30"),
        [r"d.yaml:7: origin endpoint hls: timeDelaySeconds must be less than startoverWindowSeconds.*"],
    ),
    "an event without a startover window": (
        endpoint("hlsPackage:", "  playlistType: EVENT"),
        [r"d.yaml:6: origin endpoint hls: hlsPackage.playlistType EVENT .* startoverWindowSeconds .*"],
    ),
    "a value out of bounds": (
        endpoint("hlsPackage:", "  segmentDurationSeconds: 31"),
        [r"d.yaml:6: origin endpoint hls: hlsPackage.segmentDurationSeconds: input should be less than or equal to 30"],
    ),
    "a policy without an input": (
        endpoint("hlsPackage: {}", "policy: {policy: pinned}"),
        ["d.yaml:6: origin endpoint hls: policy.input: required, the policy pinned is about one"],
    ),
    "no such policy": (
        endpoint("hlsPackage: {}", "policy:", "  policy: best"),
        [r"d.yaml:7: origin endpoint hls: policy.policy: input should be 'sticky', .*"],
    ),
    "no such channel": (
        "originEndpoints:\n  - id: hls\n    channelId: news\n    hlsPackage: {}",
        ["d.yaml:3: origin endpoint hls: channelId: no channel news is declared in this file"],
    ),
    "an endpoint of a channel that is declared wrongly": (
        channel("tag: {}") + "\noriginEndpoints: [{id: hls, channelId: news, hlsPackage: {}}]",
        ["d.yaml:3: channel news: tag: unknown field"],
    ),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_a_mistake_is_told_with_line_resource_and_field(what: str) -> None:
    text, told = MISTAKES[what]
    found = mistakes(text)
    assert len(found) == len(told), found
    for line, pattern in zip(found, told, strict=True):
        assert line == pattern or re.fullmatch(pattern, line), line


def test_all_mistakes_are_told_at_once_in_order_of_lines() -> None:
    text = (
        channel("guid: x", "tagz: {}") + "\noriginEndpoints:\n  - id: hls\n    channelId: nws\n    hlsPackage: {a: 1}\n"
    )
    assert [line.split(":")[1] for line in mistakes(text)] == ["3", "4", "8"]


def test_a_password_in_place_of_a_file_of_one_is_in_no_message() -> None:
    for name in ("hush-hush", "hunter2"):
        text = channel(*INGEST, "    - {}", "    - username: a", f"      passwordFile: {name}")
        (line,) = mistakes(text, {"hunter2": "a b"})
        assert name not in line


def test_secrets_are_in_no_repr() -> None:
    text = channel(*INGEST, "    - {username: a, password: hush-hush}", "    - {username: b, passwordFile: one}")
    declaration = parse(text, {"one": "quite-secret"})
    assert declaration.channels["news"].pairs == (Pair("a", "hush-hush"), Pair("b", "quite-secret"))
    for secret in ("hush-hush", "quite-secret"):
        assert secret not in f"{declaration!r} {declaration}"


def test_secrets_are_in_no_message() -> None:
    for line in mistakes(channel(*INGEST, "    - {username: a, password: 'very secret'}", "    - {password: hidden}")):
        assert "very secret" not in line
        assert "hidden" not in line


TAGGED = [f"!!{tag} hunter2" for tag in ("bool", "int", "float", "timestamp", "binary", "null", "set", "omap", "own")]


@pytest.mark.parametrize("written", ["*hunter2", "!hunter2", "&a *hunter2", "'hunter2 '", "[hunter2", *TAGGED])
def test_a_password_that_is_written_wrongly_is_in_no_message(written: str) -> None:
    for line in mistakes(channel(*INGEST, f"    - {{username: a, password: {written}}}", "    - {}")):
        assert "hunter2" not in line


def test_anchors_and_merged_mappings_may_be_used() -> None:
    text = """
        channels: [{id: news}]
        originEndpoints:
          - &first
            id: one
            channelId: news
            hlsPackage: {segmentDurationSeconds: 4}
          - <<: *first
            id: two
    """
    found = parse(text).origin_endpoints["two"].request
    assert found.hls_package is not None
    assert found.hls_package.segment_duration_seconds == 4


def test_aliases_cannot_grow_without_bounds() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    (told,) = mistakes("\n".join(lines))
    assert "more values than any file needs" in told
