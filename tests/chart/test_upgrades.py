"""What an upgrade sees of the release that is there."""

from __future__ import annotations

from typing import Any

import pytest

from support import chart

INSTALLED = chart.render_profile("production")


def with_config(**config: Any) -> dict[str, Any]:
    """The profile that is installed, with another shared setting."""
    return chart.profile_values("production") | {"config": config}


def test_an_upgrade_that_changes_nothing_gives_the_same_objects() -> None:
    assert chart.upgrade(chart.profile_values("production"), installed=INSTALLED) == INSTALLED


@pytest.mark.parametrize(
    ("config", "was"),
    [({"shards": 32}, "16"), ({"region": "eu-west-1"}, "us-east-1"), ({"accountId": "1" * 12}, "0" * 12)],
)
def test_what_must_never_change_cannot(config: dict[str, Any], was: str) -> None:
    (key,) = config
    sentence = f"config.{key} is {was} in what is installed, and must stay so for the life of an installation"
    with pytest.raises(chart.ChartRefused, match=sentence):
        chart.upgrade(with_config(**config), installed=INSTALLED)


@pytest.mark.parametrize("config", [{"logLevel": "DEBUG"}, {"shards": 16}])
def test_other_settings_may_change(config: dict[str, Any]) -> None:
    assert chart.upgrade(with_config(**config), installed=INSTALLED)


def test_another_release_may_have_others() -> None:
    assert chart.upgrade(with_config(shards=32), installed=INSTALLED, release="second")


def test_an_evaluation_is_not_turned_into_production_for_that_would_remove_what_it_has() -> None:
    evaluation = chart.render_profile("evaluation")
    with pytest.raises(chart.ChartRefused, match=r"evaluation\.enabled is true in what is installed"):
        chart.upgrade(chart.profile_values("production"), installed=evaluation)
    assert chart.upgrade(chart.profile_values("evaluation"), installed=evaluation)
