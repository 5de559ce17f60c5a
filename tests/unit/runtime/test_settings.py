"""Settings from the environment."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from understudy_runtime.settings import CommonSettings, ProxiedSettings, read_settings


def test_settings_come_from_the_environment_by_their_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_NATS_URL", "nats://bus:4222")
    monkeypatch.setenv("UNDERSTUDY_LISTEN_FD", "3")
    monkeypatch.setenv("NATS_URL", "nats://other:4222")
    settings = CommonSettings()
    assert settings.nats_url == "nats://bus:4222"
    assert settings.listen_fd == 3
    assert settings.shards == 16


def test_the_secret_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_S3_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("UNDERSTUDY_S3_SECRET_ACCESS_KEY", "hidden")
    settings = CommonSettings()
    assert "hidden" not in repr(settings)
    assert "hidden" not in settings.model_dump_json()


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("nats://127.0.0.1:4222", "127.0.0.1:4222"),
        ("nats://user:hunter2@a.example:4222, tls://token@[fd00::1]:4222/", "a.example:4222, [fd00::1]:4222"),
        ("nats://user:hunt/er2@x@b.example", "b.example"),
        ("user:hunter2,more@c.example:1", "user, c.example:1"),
        ("localhost:4222", "localhost:4222"),
    ],
)
def test_servers_are_told_without_what_opens_them(url: str, told: str) -> None:
    assert CommonSettings(nats_url=url).nats_servers == told


def test_a_setting_out_of_its_range_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_SHARDS", "0")
    with pytest.raises(ValidationError, match="shards"):
        CommonSettings()


def test_a_setting_that_does_not_parse_is_named_as_the_environment_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNDERSTUDY_SHARDS", "many")
    monkeypatch.setenv("UNDERSTUDY_LOG_LEVEL", "loud")
    with pytest.raises(SystemExit) as ended:
        read_settings(CommonSettings)
    lines = str(ended.value).splitlines()
    assert [line.partition(":")[0] for line in lines] == ["UNDERSTUDY_SHARDS", "UNDERSTUDY_LOG_LEVEL"]
    assert "many" not in str(ended.value)


def test_trusted_proxies_that_are_no_networks_end_the_service_with_the_name_of_the_setting(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("UNDERSTUDY_TRUSTED_PROXIES", "10.0.0.0/8,proxy.example")
    with pytest.raises(SystemExit, match=r"\AUNDERSTUDY_TRUSTED_PROXIES: .*place 2"):
        read_settings(ProxiedSettings)
