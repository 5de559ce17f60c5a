"""What Helm says after an installation warns of what works and is perhaps not meant."""

from __future__ import annotations

from typing import Any

import pytest

from support import chart

PLAIN: dict[str, Any] = {"nats": {"url": "nats://nats:4222"}, "s3": {"bucket": "media"}}
API_OUTSIDE: dict[str, Any] = {"ingress": {"enabled": True, "host": "api.example.com"}}
OPERATORS: dict[str, Any] = {"networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"team": "live"}}}]}}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (PLAIN, "S3 is asked with the pods' own role"),
        (PLAIN, "image.registry is empty"),
        (PLAIN, "tells encoders a URL inside the cluster"),
        ({**PLAIN, "controller": API_OUTSIDE}, "Name the Ingress controller or gateway there"),
        ({**PLAIN, "networkPolicy": {"enabled": False}}, "networkPolicy.enabled=false"),
        ({**PLAIN, "controller": {"config": {"authentication": "none"}}}, "Whoever reaches the control API"),
        ({"evaluation": {"enabled": True}}, "NOT FOR PRODUCTION"),
    ],
)
def test_what_is_perhaps_not_meant_is_told(values: dict[str, Any], words: str) -> None:
    assert words in chart.notes(values)


def test_what_was_said_to_be_meant_is_not() -> None:
    notes = chart.notes({**PLAIN, "controller": {**API_OUTSIDE, **OPERATORS}})
    assert "Name the Ingress controller" not in notes
    notes = chart.notes(chart.profile_values("production") | {"image": {"registry": "registry.example.com/live"}})
    for words in ("WARNING", "NOTE", "NOT FOR PRODUCTION"):
        assert words not in notes
