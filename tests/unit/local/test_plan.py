"""What a local stack tells its services."""

from __future__ import annotations

from pathlib import Path

import pytest

from understudy_local.data_directory import Credentials, DataDirectory
from understudy_local.plan import SERVICES, services
from understudy_local.ports import Ports


@pytest.mark.parametrize("setting", ["UNDERSTUDY_DECLARED_FILE", "UNDERSTUDY_WEBHOOKS_FILE"])
def test_a_file_that_the_environment_names_is_the_services_too_from_wherever_it_was_named(
    setting: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def told() -> list[str | None]:
        listening = dict.fromkeys(SERVICES, 0)
        credentials = Credentials("key", "secret", "us-east-1")
        parts = services(DataDirectory(tmp_path / "data"), Ports.with_offset(0), credentials, listening=listening)
        return [part.environment.get(setting) for part in parts]

    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv(setting, raising=False)
    assert told() == [None] * len(SERVICES)
    monkeypatch.setenv(setting, "here.yaml")
    assert told() == [str(tmp_path / "here.yaml")] * len(SERVICES)
