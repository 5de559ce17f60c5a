"""What Helm says after an installation warns of what works and is perhaps not meant."""

from __future__ import annotations

from typing import Any

import pytest

from support import chart

PLAIN: dict[str, Any] = {"nats": {"url": "nats://nats:4222"}, "s3": {"bucket": "media"}}
API_OUTSIDE: dict[str, Any] = {"ingress": {"enabled": True, "host": "api.example.com"}}
OPERATORS: dict[str, Any] = {"networkPolicy": {"from": [{"namespaceSelector": {"matchLabels": {"team": "live"}}}]}}
ROUTE: dict[str, Any] = {"httpRoute": {"enabled": True, "host": "live.example.com", "parentRefs": [{"name": "public"}]}}
ROUTES: dict[str, Any] = {"capabilityChecks": False, "ingest": ROUTE, "egress": ROUTE}


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (PLAIN, "S3 is asked with the pods' own role"),
        (PLAIN, "image.registry is empty"),
        (PLAIN, "tells encoders a URL inside the cluster"),
        ({**PLAIN, "controller": API_OUTSIDE}, "Name the Ingress controller or gateway there"),
        ({**PLAIN, "networkPolicy": {"enabled": False}}, "networkPolicy.enabled=false"),
        ({**PLAIN, "controller": {"config": {"authentication": "none"}}}, "Whoever reaches the control API"),
        ({**PLAIN, "controller": {"service": {"type": "LoadBalancer"}}}, "cannot be reached from outside"),
        ({**PLAIN, **ROUTES}, "named in\ningest.config.trustedProxies and egress.config.trustedProxies."),
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


def test_proxies_are_asked_for_of_those_alone_that_stand_behind_one() -> None:
    notes = chart.notes({**PLAIN, "capabilityChecks": False, "egress": ROUTE})
    assert "named in\negress.config.trustedProxies." in notes
    told = {"config": {"trustedProxies": "10.0.0.0/8"}}
    assert "trustedProxies" not in chart.notes({**PLAIN, "capabilityChecks": False, "egress": ROUTE | told})
