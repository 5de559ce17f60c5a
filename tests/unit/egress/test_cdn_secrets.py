"""Secrets in files, as they are mounted and exchanged."""

from __future__ import annotations

import gc
import logging
from pathlib import Path

import pytest

from understudy_egress.cdn_secrets import CdnSecrets


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
    secrets = CdnSecrets(tmp_path)
    mount(tmp_path, "..1", '{"MediaPackageCDNIdentifier": "first-one"}')
    secret = secrets.get("arn:aws:secretsmanager:eu-west-1:111122223333:secret:cdn/news-AbCdEf")
    assert [secret.admits(value) for value in (b"first-one", b"second-one", b"", None)] == [True, False, False, False]
    mount(tmp_path, "..2", '{"MediaPackageCDNIdentifier": ["second-one", "first-one"]}')
    await secrets.look()
    assert [secret.admits(value) for value in (b"first-one", b"second-one", b"third")] == [True, True, False]
    mount(tmp_path, "..3", "second-one\n")
    await secrets.look()
    assert [secret.admits(value) for value in (b"first-one", b"second-one")] == [False, True]
    assert secret.problem is None


async def test_a_secret_that_is_missing_or_no_secret_admits_nobody_until_it_is_there(tmp_path: Path) -> None:
    secrets = CdnSecrets(tmp_path)
    secret = secrets.get("news")
    assert secret.problem == "the file is missing"
    assert not secret.admits(b"")
    for content, problem in (("one", None), ("\n", "no identifier"), ("{}", "neither"), ("x" * 70_000, "larger")):
        (tmp_path / "news").write_text(content)
        await secrets.look()
        assert (secret.problem is None) is (problem is None)
        assert problem is None or problem in (secret.problem or "")
        assert secret.admits(b"one") is (problem is None)
    (tmp_path / "news").unlink()
    (tmp_path / "news").mkdir()
    await secrets.look()
    assert "cannot be read" in (secret.problem or "")


def test_without_a_directory_there_are_no_secrets() -> None:
    secret = CdnSecrets(None).get("news")
    assert "UNDERSTUDY_SECRETS_DIRECTORY" in (secret.problem or "")


async def test_a_problem_is_logged_once_and_a_secret_never(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = CdnSecrets(tmp_path)
    secret = secrets.get("news")
    for content in ("very-secret", '{"MediaPackageCDNIdentifier": "very-secret', '{"MediaPackageCDNIdentifier": 7}'):
        for _ in range(2):
            await secrets.look()
        (tmp_path / "news").write_text(content)
        await secrets.look()
        assert not secret.admits(b"wrong-secret")
    assert len([record for record in caplog.records if record.levelno == logging.ERROR]) == 3
    assert "very-secret" not in caplog.text
    assert not any("very-secret" in str(record.__dict__) for record in caplog.records)


async def test_origin_endpoints_share_a_secret_and_one_that_nobody_needs_is_forgotten(tmp_path: Path) -> None:
    (tmp_path / "news").write_text("one")
    secrets = CdnSecrets(tmp_path)
    secret = secrets.get("news")
    assert secrets.get("arn:aws:secretsmanager:eu-west-1:111122223333:secret:news-AbCdEf") is secret
    (tmp_path / "news").unlink()
    del secret
    gc.collect()
    assert secrets.get("news").problem == "the file is missing"
