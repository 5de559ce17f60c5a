"""The services: requests, what they wait for, and what they use."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from dashboards_src.panels import BAD, CARE, GOOD, INSTALLATION, Query, dashboard_of, lines, number, row

UID = "understudy-services"
_OF_SERVICE = f"(0 * understudy_bus_connected{{{INSTALLATION}}} + 1)"
"""1 for each process of ours, with its service: what tells them from other processes that Prometheus knows."""

_NO_FEEDS = ', route!~"/console/feed/(overview|channels/[^/]+)"'


def services() -> Dashboard:
    """Whether the machinery works."""
    page = dashboard_of(UID, "Understudy services", "Requests, decisions, NATS and S3, and what the processes use.")
    _at_a_glance(page)
    page.with_row(row("Requests"))
    _requests(page)
    page.with_row(row("Controllers"))
    _controllers(page)
    page.with_row(row("NATS and S3"))
    _storage(page)
    page.with_row(row("Harvest, and what processes use"))
    _rest(page)
    return page


def _rate(metric: str, by: str, matchers: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{INSTALLATION}{matchers}}}[$__rate_interval]))"


def _slowest(metric: str, by: str = "", matchers: str = "") -> str:
    """What 99 of 100 take at most."""
    return f"histogram_quantile(0.99, {_rate(metric + '_bucket', f'{by}, le' if by else 'le', matchers)})"


def _at_a_glance(page: Dashboard) -> None:
    for panel in (
        number(
            "Processes",
            Query(f"count(understudy_bus_connected{{{INSTALLATION}}})"),
            "Of all services together.",
        ),
        number(
            "Without NATS",
            Query(f"count(understudy_bus_connected{{{INSTALLATION}}} == 0) or vector(0)"),
            "Processes that are not connected to NATS.",
            steps=((None, GOOD), (1, BAD)),
        ),
        number(
            "Shards without a controller",
            Query(
                f"sum(max by (namespace) (understudy_config_shards{{{INSTALLATION}}}) "
                f"- sum by (namespace) (understudy_controller_shards{{{INSTALLATION}}}))"
            ),
            "Nothing is decided for the channels in these.",
            steps=((None, GOOD), (1, BAD)),
        ),
        number(
            "Uploads held",
            Query(f"sum(understudy_ingest_held_requests{{{INSTALLATION}}})"),
            "Now, because NATS or the storage did not take them at once.",
            steps=((None, GOOD), (1, CARE)),
        ),
        number(
            "Uploads lost in an hour",
            Query(
                "round(sum(increase(understudy_ingest_rejected_total"
                f'{{{INSTALLATION}, reason=~"held_too_long|overloaded|bus_unavailable"}}[1h])))'
            ),
            "Answered 503.",
            steps=((None, GOOD), (1, BAD)),
        ),
        number(
            "Since the last round of removing",
            Query(f"max(understudy_retention_age_seconds{{{INSTALLATION}}})"),
            "Of the controller for which it is longest. A round comes every half minute.",
            steps=((None, GOOD), (300, CARE), (900, BAD)),
            unit="s",
        ),
    ):
        page.with_panel(panel)


def _requests(page: Dashboard) -> None:
    errors = _rate("understudy_http_requests_total", "component", ', status=~"5.."')
    page.with_panel(
        lines(
            "Requests",
            [Query(_rate("understudy_http_requests_total", "component, route"), "{{component}} {{route}}")],
            "A second, by service and route.",
            unit="reqps",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Errors",
            [
                Query(f"{errors} / {_rate('understudy_http_requests_total', 'component')}", "{{component}} 5xx"),
            ],
            "Share of the requests that were answered 5xx.",
            unit="percentunit",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Duration, 99 of 100",
            [
                Query(
                    _slowest("understudy_http_request_seconds", "component, route", _NO_FEEDS),
                    "{{component}} {{route}}",
                )
            ],
            "From the head of a request to the end of its answer; of an upload, with the time that the encoder takes. "
            "Without what open pages of the console are fed by, which lasts for as long as they are looked at.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Refused",
            [
                Query(_rate("understudy_ingest_rejected_total", "reason") + " > 0", "ingest {{reason}}"),
                Query(_rate("understudy_authentication_refused_total", "reason") + " > 0", "control API {{reason}}"),
            ],
            "A second, by reason: uploads, and requests to the control API.",
            unit="reqps",
            is_stacked=True,
        )
    )


def _controllers(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Shards",
            [Query(f"sum by (instance) (understudy_controller_shards{{{INSTALLATION}}})", "{{instance}}")],
            "That each controller decides for.",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "From an instant to its decision in the log",
            [
                Query(_slowest("understudy_decision_seconds", "instance"), "{{instance}}, 99 of 100"),
                Query(
                    f"histogram_quantile(0.5, {_rate('understudy_decision_seconds_bucket', 'le')})", "all, every other"
                ),
            ],
            "The margin of a deadline is 0.25 s: what takes longer is listed late.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Decisions and arrivals",
            [
                Query(_rate("understudy_decisions_total", "instance"), "{{instance}} decisions"),
                Query(_rate("understudy_arrivals_total", "instance"), "{{instance}} segments"),
            ],
            "A second.",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Events",
            [Query(_rate("understudy_events_total", "kind") + " > 0", "{{kind}}")],
            "Told, a second, by kind.",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "Webhooks that fail",
            [Query(f"max by (webhook) (understudy_webhook_failing_seconds{{{INSTALLATION}}})", "{{webhook}}")],
            "For how long nothing was taken. Events wait for 24 h, then they are dropped.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "What came of events for webhooks",
            [Query(_rate("understudy_webhook_attempts_total", "webhook, outcome") + " > 0", "{{webhook}} {{outcome}}")],
            "A second. Failed ones are tried again; refused and expired ones are dropped.",
            is_stacked=True,
        )
    )


def _storage(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Uploads, 99 of 100",
            [
                Query(_slowest("understudy_ingest_store_seconds"), "storing a segment (S3)"),
                Query(_slowest("understudy_ingest_publish_seconds"), "publishing its fact (NATS)"),
                Query(_slowest("understudy_ingest_probe_seconds"), "looking into it"),
            ],
            "Tries again included. What is late here is late on every input.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Reading segments, 99 of 100",
            [Query(_slowest("understudy_egress_storage_read_seconds", "instance"), "{{instance}}")],
            "From the storage, once for each process and segment.",
            unit="s",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Segment cache of egress",
            [
                Query(_rate("understudy_egress_segment_cache_requests_total", "result"), "{{result}}"),
                Query(_rate("understudy_egress_storage_errors_total", "instance"), "not read at {{instance}}"),
            ],
            "Segments asked for, a second: from memory, read, or waited for another's read.",
            unit="reqps",
            is_stacked=True,
        )
    ).with_panel(
        lines(
            "Bytes",
            [
                Query(f"sum(rate(understudy_ingest_bytes_total{{{INSTALLATION}}}[$__rate_interval]))", "stored"),
                Query(
                    f"sum(rate(understudy_egress_storage_read_bytes_total{{{INSTALLATION}}}[$__rate_interval]))", "read"
                ),
                Query(f"sum(rate(understudy_retention_bytes_total{{{INSTALLATION}}}[$__rate_interval]))", "removed"),
            ],
            "A second, to and from the storage.",
            unit="Bps",
            smallest=0,
        )
    )


def _rest(page: Dashboard) -> None:
    page.with_panel(
        lines(
            "Processor time",
            [
                Query(
                    "sum by (component, instance) (rate(process_cpu_seconds_total[$__rate_interval]) "
                    f"* on (namespace, instance) group_left (component) {_OF_SERVICE})",
                    "{{component}} {{instance}}",
                )
            ],
            "Cores. A process uses one at most: a controller near it needs a sibling.",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Memory",
            [
                Query(
                    "sum by (component, instance) (process_resident_memory_bytes "
                    f"* on (namespace, instance) group_left (component) {_OF_SERVICE})",
                    "{{component}} {{instance}}",
                )
            ],
            "Resident.",
            unit="bytes",
            smallest=0,
        )
    ).with_panel(
        lines(
            "Harvest jobs",
            [
                Query(f"max(understudy_harvest_jobs_unfinished{{{INSTALLATION}}})", "not done"),
                Query(f"sum(understudy_harvest_jobs_working{{{INSTALLATION}}})", "worked at"),
            ],
            "Now.",
            smallest=0,
        )
    )
