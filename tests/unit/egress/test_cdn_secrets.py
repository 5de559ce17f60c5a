"""Secrets in files, as they are mounted and exchanged."""

from __future__ import annotations

import gc
import logging
import os
from pathlib import Path

import pytest

from understudy_egress.cdn_secrets import CdnSecrets


class Clock:
    """Monotonic seconds, moved by hand."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def age(path: Path) -> None:
    """As if it had been written long ago."""
    os.utime(path, (0, 0))


async def look(secrets: CdnSecrets, clock: Clock, *, times: int = 2) -> None:
    for _ in range(times):
        clock.seconds += 1.0
        await secrets.look()


def mount(directory: Path, version: str, content: str, *, name: str = "cdn.news") -> None:
    """As Kubernetes does: the file is a link to one in a directory that is exchanged by a link as well."""
    (directory / version).mkdir()
    (directory / version / name).write_text(content)
    link = directory / "..new"
    link.symlink_to(version)
    link.rename(directory / "..data")
    if not (directory / name).is_symlink():
        (directory / name).symlink_to(f"..data/{name}")


async def test_two_identifiers_are_good_while_one_is_exchanged_for_the_other(tmp_path: Path) -> None:
    clock = Clock()
    secrets = CdnSecrets(tmp_path, monotonic=clock)
    mount(tmp_path, "..1", '{"MediaPackageCDNIdentifier": "first-one"}')
    age(tmp_path / "cdn.news")
    secret = secrets.get("arn:aws:secretsmanager:eu-west-1:111122223333:secret:cdn/news-AbCdEf")
    assert [secret.admits(value) for value in (b"first-one", b"second-one", b"", None)] == [True, False, False, False]
    mount(tmp_path, "..2", '{"MediaPackageCDNIdentifier": ["second-one", "first-one"]}')
    await look(secrets, clock)
    assert [secret.admits(value) for value in (b"first-one", b"second-one", b"third")] == [True, True, False]
    mount(tmp_path, "..3", "second-one\n")
    await look(secrets, clock)
    assert [secret.admits(value) for value in (b"first-one", b"second-one")] == [False, True]
    assert secret.problem is None


async def test_a_secret_that_is_missing_or_no_secret_admits_nobody_until_it_is_there(tmp_path: Path) -> None:
    clock = Clock()
    secrets = CdnSecrets(tmp_path, monotonic=clock)
    secret = secrets.get("news")
    assert secret.problem == "the file is missing"
    assert not secret.admits(b"")
    for content, problem in (
        ("one-or-two", None),
        ("one", "fewer than 8"),
        ("\n", "no identifier"),
        ("{}", "neither"),
        ("x" * 70_000, "larger"),
    ):
        (tmp_path / "news").write_text(content)
        await look(secrets, clock)
        assert (secret.problem is None) is (problem is None)
        assert problem is None or problem in (secret.problem or "")
        assert secret.admits(b"one-or-two") is (problem is None)
    (tmp_path / "news").unlink()
    (tmp_path / "news").mkdir()
    await look(secrets, clock)
    assert "cannot be read" in (secret.problem or "")


def test_without_a_directory_there_are_no_secrets() -> None:
    secret = CdnSecrets(None).get("news")
    assert "UNDERSTUDY_SECRETS_DIRECTORY" in (secret.problem or "")


async def test_a_secret_that_is_being_written_opens_nothing_with_its_first_characters(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "news"
    path.write_text("the-one-before")
    age(path)
    secrets = CdnSecrets(tmp_path, monotonic=clock)
    secret = secrets.get("news")
    assert secret.admits(b"the-one-before")
    whole = "a-new-secret-of-some-length"
    for end in range(len(whole)):
        path.write_text(whole[:end])
        await look(secrets, clock, times=1)
        assert not secret.admits(whole[:end].encode())
        assert secret.admits(b"the-one-before")
    path.write_text(whole)
    await look(secrets, clock)
    assert secret.admits(whole.encode())
    assert not secret.admits(b"the-one-before")
    path.unlink()
    await look(secrets, clock, times=1)
    assert secret.admits(whole.encode()), "away for a moment"


async def test_a_secret_that_was_written_just_now_counts_a_moment_later(tmp_path: Path) -> None:
    clock, path = Clock(), tmp_path / "news"
    path.write_text("half-a-secret")
    secrets = CdnSecrets(tmp_path, monotonic=clock)
    secret = secrets.get("news")
    assert not secret.admits(b"half-a-secret")
    assert "just now" in (secret.problem or "")
    await look(secrets, clock, times=1)
    assert secret.admits(b"half-a-secret")


async def test_a_problem_is_logged_once_and_a_secret_never(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    clock = Clock()
    secrets = CdnSecrets(tmp_path, monotonic=clock)
    secret = secrets.get("news")
    for content in ("very-secret", '{"MediaPackageCDNIdentifier": "very-secret', '{"MediaPackageCDNIdentifier": 7}'):
        for _ in range(2):
            await look(secrets, clock)
        (tmp_path / "news").write_text(content)
        await look(secrets, clock)
        assert not secret.admits(b"wrong-secret")
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 3
    assert "very-secret" not in caplog.text
    assert not any("very-secret" in str(record.__dict__) for record in caplog.records)


async def test_origin_endpoints_share_a_secret_and_one_that_nobody_needs_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "news").write_text("one")
    clock = Clock()
    secrets = CdnSecrets(tmp_path, monotonic=clock)
    secret = secrets.get("news")
    assert secrets.get("arn:aws:secretsmanager:eu-west-1:111122223333:secret:news-AbCdEf") is secret
    (tmp_path / "news").unlink()
    del secret
    gc.collect()
    assert secrets.get("news").problem == "the file is missing"
