"""Ingress and HTTPRoute: which names lead where, under which paths, and what the control API tells of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from starlette.routing import Route

from support import chart
from support.pods.environment import environment_of
from support.pods.manifests import Manifests, Pod
from understudy_controller.console.routes import router

OUTSIDE = {"nats": {"url": "nats://nats:4222"}, "s3": {"bucket": "media"}, "capabilityChecks": False}
GATEWAY = [{"name": "public"}]
REPOSITORY = Path(__file__).parents[2]
KINDS = ("ingress", "httpRoute")
each_kind = pytest.mark.parametrize("kind", KINDS)

INNER_PATHS = ("/metrics", "/healthz", "/readyz", "/", "/docs", "/inside", "/outside", "/channelsx")


def render(kind: str, *, split: bool = False, tls: bool = True, **hosts: str) -> tuple[chart.Object, ...]:
    """The release with a way in of one kind for each component."""
    way: dict[str, Any] = {"enabled": True}
    way |= {"parentRefs": GATEWAY, "tls": tls} if kind == "httpRoute" else {"tls": {"enabled": tls}}
    hosts = {"ingest": "in.example.com", "egress": "out.example.com", "controller": "api.example.com", **hosts}
    values: dict[str, Any] = {name: {kind: {**way, "host": hosts[name]}} for name in ("ingest", "egress", "controller")}
    if "second" in hosts:
        values["ingest"][kind]["secondHost"] = hosts["second"]
    values["ingest"]["split"] = {"enabled": split}
    return chart.render({**OUTSIDE, **values})


def rules(objects: tuple[chart.Object, ...]) -> list[tuple[str, str, str]]:
    """All ways in, as host, path and Service."""
    found = []
    for one in chart.of_kind(objects, "Ingress"):
        for rule in one["spec"]["rules"]:
            for path in rule["http"]["paths"]:
                assert path["pathType"] == "Prefix"
                assert path["backend"]["service"]["port"] == {"name": "http"}
                found.append((rule["host"], path["path"], path["backend"]["service"]["name"]))
    for one in chart.of_kind(objects, "HTTPRoute"):
        assert one["spec"]["parentRefs"] == GATEWAY
        for rule in one["spec"]["rules"]:
            (backend,) = rule["backendRefs"]
            for match in rule["matches"]:
                assert match["path"]["type"] == "PathPrefix"
                found += [(host, match["path"]["value"], backend["name"]) for host in one["spec"]["hostnames"]]
    return found


def leads_inside(objects: tuple[chart.Object, ...], host: str, path: str) -> bool:
    """Whether a path is under one of a host's: prefixes go by whole elements, in both kinds."""
    prefixes = [f"{prefix.rstrip('/')}/" for at, prefix, _ in rules(objects) if at == host]
    return any(f"{path}/".startswith(prefix) for prefix in prefixes)


def test_a_route_without_its_api_is_refused_with_a_way_out() -> None:
    route = {"enabled": True, "host": "out.example.com", "parentRefs": GATEWAY}
    with pytest.raises(
        chart.ChartRefused, match=r"egress\.httpRoute\.enabled needs the Gateway API .* capabilityChecks"
    ):
        chart.render({**OUTSIDE, "capabilityChecks": True, "egress": {"httpRoute": route}})


@each_kind
def test_every_way_in_leads_to_a_service_with_that_port(kind: str) -> None:
    for split in (False, True):
        objects = render(kind, split=split, second="in-2.example.com")
        for _, _, name in rules(objects):
            (port,) = chart.named(objects, "Service", name)["spec"]["ports"]
            assert port["name"] == "http"
            for one in chart.of_kind(objects, "HTTPRoute"):
                assert one["spec"]["rules"][0]["backendRefs"][0]["port"] == port["port"]


@each_kind
def test_metrics_and_health_are_not_reached_from_outside(kind: str) -> None:
    objects = render(kind)
    for host in ("in.example.com", "out.example.com", "api.example.com"):
        assert [path for path in INNER_PATHS if leads_inside(objects, host, path)] == []


@each_kind
def test_what_encoders_cdns_and_operators_ask_for_is(kind: str) -> None:
    objects = render(kind)
    assert leads_inside(objects, "in.example.com", "/in/v2/0a/0a/channel.m3u8")
    assert leads_inside(objects, "out.example.com", "/out/v1/0a/index.m3u8")
    api = json.loads((REPOSITORY / "docs" / "openapi.json").read_text())["paths"]
    assert api
    assert [path for path in api if not leads_inside(objects, "api.example.com", path)] == []
    console = [route.path for route in router.routes if isinstance(route, Route)]
    assert console
    assert [path for path in console if not leads_inside(objects, "api.example.com", path)] == []


@each_kind
def test_a_name_leads_to_one_component_alone(kind: str) -> None:
    objects = render(kind, second="in-2.example.com")
    services = {host: {name for at, _, name in rules(objects) if at == host} for host, _, _ in rules(objects)}
    assert services == {
        "in.example.com": {"live-understudy-ingest"},
        "in-2.example.com": {"live-understudy-ingest"},
        "out.example.com": {"live-understudy-egress"},
        "api.example.com": {"live-understudy-controller"},
    }


@each_kind
def test_each_input_has_a_name_that_leads_to_its_own_deployment(kind: str) -> None:
    found = rules(render(kind, split=True, second="in-2.example.com"))
    assert ("in.example.com", "/in/", "live-understudy-ingest-1") in found
    assert ("in-2.example.com", "/in/", "live-understudy-ingest-2") in found


@each_kind
@pytest.mark.parametrize("tls", [True, False])
def test_the_control_api_tells_the_urls_under_which_it_is_reached(kind: str, *, tls: bool) -> None:
    objects = render(kind, tls=tls, second="in-2.example.com")
    scheme = "https" if tls else "http"
    variables = environment(objects)
    assert variables["UNDERSTUDY_INGEST_PUBLIC_URL"] == f"{scheme}://in.example.com"
    assert variables["UNDERSTUDY_SECOND_INGEST_PUBLIC_URL"] == f"{scheme}://in-2.example.com"
    assert variables["UNDERSTUDY_EGRESS_PUBLIC_URL"] == f"{scheme}://out.example.com"


def test_without_a_way_in_the_urls_are_those_of_the_cluster() -> None:
    variables = environment(chart.render({**OUTSIDE, "egress": {"service": {"port": 8000}}}))
    assert variables["UNDERSTUDY_INGEST_PUBLIC_URL"] == "http://live-understudy-ingest.tv.svc:80"
    assert variables["UNDERSTUDY_EGRESS_PUBLIC_URL"] == "http://live-understudy-egress.tv.svc:8000"
    assert "UNDERSTUDY_SECOND_INGEST_PUBLIC_URL" not in variables


def test_without_a_way_in_each_input_of_a_split_is_told_its_own_service() -> None:
    variables = environment(chart.render({**OUTSIDE, "ingest": {"split": {"enabled": True}}}))
    assert variables["UNDERSTUDY_INGEST_PUBLIC_URL"] == "http://live-understudy-ingest-1.tv.svc:80"
    assert variables["UNDERSTUDY_SECOND_INGEST_PUBLIC_URL"] == "http://live-understudy-ingest-2.tv.svc:80"


def test_what_values_say_of_the_urls_wins() -> None:
    said = {"ingestPublicUrl": "https://in.example.com", "egressPublicUrl": "https://cdn.example.com"}
    values = {"controller": {"config": said}, "egress": {"ingress": {"enabled": True, "host": "out.example.com"}}}
    variables = environment(chart.render({**OUTSIDE, **values}))
    assert variables["UNDERSTUDY_EGRESS_PUBLIC_URL"] == "https://cdn.example.com"


def test_an_api_without_signatures_knows_its_services_names() -> None:
    variables = environment(chart.render({**OUTSIDE, "controller": {"config": {"authentication": "none"}}}))
    assert "live-understudy-controller.tv.svc" in variables["UNDERSTUDY_API_HOSTS"].split(",")
    assert "UNDERSTUDY_ACCESS_KEYS_FILE" not in variables


def environment(objects: tuple[chart.Object, ...]) -> dict[str, str]:
    """What the controller is told."""
    template = chart.named(objects, "Deployment", "live-understudy-controller")["spec"]["template"]
    pod = Pod("controller", template["metadata"]["labels"], template["spec"])
    return environment_of(Manifests(objects), pod, pod.containers[0], address="127.0.0.9")
