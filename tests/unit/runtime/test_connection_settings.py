"""Settings of how NATS and S3 are reached: what belongs together, and files that must be what they are said to be."""

from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from support.certificates import Authority
from understudy_runtime.nats_login import Login
from understudy_runtime.settings import CommonSettings, read_settings

SEED = "SUAAAAICAMCAKBQHBAEQUCYMBUHA6EARCIJRIFIWC4MBSGQ3DQOR4H776Y"
CREDENTIALS = f"""-----BEGIN NATS USER JWT-----
ey.jwt.x
------END NATS USER JWT------

************************* IMPORTANT *************************

-----BEGIN USER NKEY SEED-----
{SEED}
------END USER NKEY SEED------
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


def refused(monkeypatch: pytest.MonkeyPatch, **given: str | Path) -> str:
    """What a service prints that is started with these settings."""
    for name, value in given.items():
        monkeypatch.setenv(f"UNDERSTUDY_{name.upper()}", str(value))
    with pytest.raises(SystemExit) as ended:
        read_settings(CommonSettings)
    return str(ended.value)


@pytest.mark.parametrize(
    ("given", "other"),
    [
        ("nats_user", "NATS_PASSWORD"),
        ("nats_password", "NATS_USER"),
        ("s3_access_key_id", "S3_SECRET_ACCESS_KEY"),
        ("s3_secret_access_key", "S3_ACCESS_KEY_ID"),
    ],
)
def test_half_of_what_belongs_together_is_refused(monkeypatch: pytest.MonkeyPatch, given: str, other: str) -> None:
    told = refused(monkeypatch, **{given: "hunter2"})
    assert f"UNDERSTUDY_{given.upper()}" in told
    assert f"UNDERSTUDY_{other}" in told
    assert "set both, or neither" in told
    assert "hunter2" not in told


def test_a_certificate_without_its_key_is_refused(monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    issued = authority.issue("alone")
    told = refused(monkeypatch, nats_tls_certificate_file=issued.certificate_file)
    assert "UNDERSTUDY_NATS_TLS_CERTIFICATE_FILE and UNDERSTUDY_NATS_TLS_KEY_FILE belong together" in told


def test_a_certificate_with_the_key_of_another_is_refused(
    monkeypatch: pytest.MonkeyPatch, authority: Authority
) -> None:
    one, other = authority.issue("one"), authority.issue("other")
    told = refused(monkeypatch, nats_tls_certificate_file=one.certificate_file, nats_tls_key_file=other.key_file)
    assert told.startswith("UNDERSTUDY_NATS_TLS_CERTIFICATE_FILE, UNDERSTUDY_NATS_TLS_KEY_FILE: they are no")


@pytest.mark.parametrize(
    "given",
    [
        {"nats_user": "u", "nats_password": "hunter2", "nats_token": "hunter2"},
        {"nats_url": "nats://u:hunter2@a:4222", "nats_token": "hunter2"},
    ],
)
def test_more_than_one_way_to_say_who_connects_is_refused(
    monkeypatch: pytest.MonkeyPatch, given: dict[str, str]
) -> None:
    told = refused(monkeypatch, **given)
    assert "UNDERSTUDY_NATS_TOKEN" in told
    assert "set one of these" in told
    assert "hunter2" not in told


@pytest.mark.parametrize(
    "name",
    ["nats_credentials_file", "nats_tls_ca_file", "nats_tls_certificate_file", "nats_tls_key_file", "s3_tls_ca_file"],
)
def test_a_file_that_is_not_there_is_refused_under_the_name_of_its_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str
) -> None:
    told = refused(monkeypatch, **{name: tmp_path / "hunter2"})
    assert told == f"UNDERSTUDY_{name.upper()}: the file cannot be read: No such file or directory"


@pytest.mark.parametrize("name", ["nats_credentials_file", "nats_tls_ca_file", "s3_tls_ca_file"])
@pytest.mark.parametrize("content", ["", "hunter2", "-----BEGIN CERTIFICATE-----\nhunter2\n", CREDENTIALS[:60]])
def test_a_file_of_something_else_is_refused_and_nothing_of_it_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str, content: str
) -> None:
    path = tmp_path / "file"
    path.write_text(content)
    told = refused(monkeypatch, **{name: path})
    assert told.startswith(f"UNDERSTUDY_{name.upper()}: the file holds ")
    assert "hunter2" not in told


def test_a_url_of_something_else_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    told = refused(monkeypatch, nats_url="nats://a:4222,http://b:4222")
    assert told == "UNDERSTUDY_NATS_URL: URLs of NATS begin with nats:// or tls://"


def test_secrets_are_not_shown() -> None:
    settings = CommonSettings(nats_user="u", nats_password=SecretStr("hunter2"))
    assert "hunter2" not in repr(settings) + settings.model_dump_json() + repr(settings.nats_login)


def test_secrets_are_not_shown_in_errors_either() -> None:
    with pytest.raises(ValidationError) as refusal:
        CommonSettings(nats_password=SecretStr("x"), nats_url="nats://u:hunter2@a")
    assert "hunter2" not in str(refusal.value)


def test_a_credentials_file_has_a_jwt_and_a_seed(tmp_path: Path) -> None:
    path = tmp_path / "user.creds"
    path.write_text(CREDENTIALS)
    assert Login.read_file(path) == ("ey.jwt.x", SEED.encode())


def test_a_credentials_file_may_have_lines_that_end_as_on_windows(tmp_path: Path) -> None:
    path = tmp_path / "user.creds"
    path.write_bytes(CREDENTIALS.replace("\n", "\r\n").encode())
    assert Login.read_file(path) == ("ey.jwt.x", SEED.encode())


def test_a_seed_with_a_slip_in_it_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "user.nk"
    path.write_text(SEED.replace(SEED[20], "A" if SEED[20] != "A" else "B", 1))
    with pytest.raises(ValueError, match="the file holds neither"):
        Login.read_file(path)


def test_a_file_with_a_seed_alone_will_do(tmp_path: Path) -> None:
    path = tmp_path / "user.nk"
    path.write_text(SEED + "\n")
    assert Login.read_file(path) == (None, SEED.encode())


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("nats://a:4222", {}),
        ("nats://u:p@a:4222,nats://b:4222", {"user": "u", "password": "p"}),
        ("u:p@a:4222", {"user": "u", "password": "p"}),
        ("nats://a:4222,tls://t@b:4222", {"token": "t"}),
    ],
)
def test_who_is_said_in_one_url_is_shown_to_every_server(url: str, options: dict[str, str]) -> None:
    assert CommonSettings(nats_url=url).nats_login.options == options
