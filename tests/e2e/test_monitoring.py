"""A real Prometheus scrapes the whole stack while an encoder dies: what the services tell, the dashboards and an alert.

It scrapes every second and its rules wait for a second, where an installation's wait for longer.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from support.alert_rules import RULE_FILES
from support.browser import MissingProgram
from support.control import Control
from support.dashboards import PanelQuery, queries
from support.deadline import eventually
from support.encoder import SEGMENT_SECONDS, START_SECONDS, Encoder, next_boundary
from support.frame_source import FRAMES_PER_SECOND
from support.metric_catalogue import everything
from support.prometheus import Prometheus, promtool, running_prometheus
from support.stack import Stack
from support.watcher import Watcher

pytestmark = [pytest.mark.needs_debian, pytest.mark.takes(seconds=30)]

SERVICES = ("controller", "ingest", "egress", "harvester")
CHANNEL = "watched-over"
VARIABLES = {"__rate_interval": "1m", "__range": "5m", "namespace": ".*", "channel": CHANNEL}
BEGUN_SECONDS = 25
LOST_SECONDS = 3 * SEGMENT_SECONDS + 1 + 10
"""Three segments and the tolerance; the rest is for scrapes, evaluations and a busy machine."""
MAY_BE_EMPTY = {
    "understudy_authentication_refused_total": "a local stack asks for no signatures",
    "understudy_ingest_rejected_total": "no upload was refused",
    'status=~"5.."': "no request has failed",
    "understudy_webhook_": "nobody is sent events",
}
"""What a query names that nothing may be known of in this run, and why."""


@dataclass
class Watched:
    """What Prometheus knew after the failover."""

    answers: dict[PanelQuery, list[dict[str, Any]]] = field(default_factory=dict)
    expositions: dict[str, str] = field(default_factory=dict)
    alerts: dict[str, str] = field(default_factory=dict)


@pytest.fixture(scope="module")
def watched(
    stack: Stack, control: Control, encoder_logs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Watched]:
    """Two encoders and a viewer; then input 1 dies, and everything is asked for."""
    directory = tmp_path_factory.mktemp("prometheus")
    channel = control.create_channel(CHANNEL)
    endpoint = control.create_endpoint(f"{CHANNEL}-hls", channel, segment_seconds=SEGMENT_SECONDS)
    encoders = [
        Encoder(f"{CHANNEL}-{number}", one, log_directory=encoder_logs) for number, one in enumerate(channel.inputs)
    ]
    watcher = Watcher(CHANNEL, endpoint.url)
    targets = {service: stack.service_url(service) for service in SERVICES}
    try:
        with running_prometheus(directory, targets, rule_files=_hurried(directory)) as prometheus:
            first_frame = next_boundary(time.time() + START_SECONDS)
            encoders[0].start(first_frame=first_frame)
            encoders[1].start(first_frame=first_frame + SEGMENT_SECONDS * FRAMES_PER_SECOND)
            watcher.start()
            _wait_for(prometheus, f'understudy_interchange_grade{{channel="{CHANNEL}"}} > 0', seconds=BEGUN_SECONDS)
            _wait_for(prometheus, f'understudy_playlist_age_seconds{{channel="{CHANNEL}"}}', seconds=BEGUN_SECONDS)
            encoders[0].kill()
            _wait_for(
                prometheus,
                f'ALERTS{{alertname="UnderstudyInputLost", channel="{CHANNEL}", input="1", alertstate="firing"}}',
                seconds=LOST_SECONDS,
            )
            yield Watched(
                {one: prometheus.query(one.with_variables(VARIABLES)) for one in queries()},
                {service: httpx.get(f"{url}/metrics", timeout=10).text for service, url in targets.items()},
                prometheus.alerts(channel=CHANNEL),
            )
    except MissingProgram as err:
        err.skip()
    finally:
        watcher.stop()
        for one in encoders:
            one.close()


def _hurried(directory: Path) -> list[Path]:
    """The rules, but that they wait for a second at most."""
    hurried = []
    for path in RULE_FILES:
        plain = yaml.safe_load(path.read_text())
        for group in plain["groups"]:
            for rule in group["rules"]:
                if "for" in rule:
                    rule["for"] = "1s"
        hurried.append(directory / path.name)
        hurried[-1].write_text(yaml.safe_dump(plain))
    return hurried


def _wait_for(prometheus: Prometheus, expression: str, *, seconds: float) -> None:
    eventually(lambda: prometheus.query(expression), within_seconds=seconds, what=expression, poll_seconds=0.25)


def test_every_query_of_every_dashboard_finds_something(watched: Watched) -> None:
    empty = [query for query, found in watched.answers.items() if not found]
    assert [str(one) for one in empty if not any(part in one.expression for part in MAY_BE_EMPTY)] == []


def test_the_overview_says_which_input_is_sick_and_which_endpoint_moved(watched: Watched) -> None:
    def of(panel: str) -> list[dict[str, Any]]:
        return next(found for query, found in watched.answers.items() if query.panel == panel)

    sick = [one["metric"] for one in of("Inputs that are not well") if one["value"][1] == "0"]
    assert {"channel": CHANNEL, "input": "1"} in sick
    assert float(of("Failovers in an hour")[0]["value"][1]) >= 1


def test_an_input_that_is_lost_wakes_somebody_and_what_is_well_does_not(watched: Watched) -> None:
    assert watched.alerts["UnderstudyInputLost"] == "firing"
    quiet = {
        "UnderstudyEndpointHolding",
        "UnderstudyGapPublished",
        "UnderstudyPlaylistStale",
        "UnderstudyServiceAbsent",
    }
    # What is pending wakes nobody: an endpoint holds for a moment where the machine stands still for one.
    assert {name for name in quiet if watched.alerts.get(name) == "firing"} == set()


@pytest.mark.parametrize("service", SERVICES)
def test_promtool_finds_nothing_to_say_about_the_metrics_of_a_service(watched: Watched, service: str) -> None:
    assert promtool("check", "metrics", text=watched.expositions[service]) == ""


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_tells_nothing_that_is_not_in_the_catalogue(watched: Watched, service: str) -> None:
    told = {
        family.name + ("_total" if family.type == "counter" else "")
        for family in text_string_to_metric_families(watched.expositions[service])
        if family.name.startswith("understudy_")
    }
    assert told - everything().keys() == set()
