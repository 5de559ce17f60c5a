from __future__ import annotations

import socket
from dataclasses import astuple

import pytest

from understudy_local import ports
from understudy_local.errors import PortTaken
from understudy_local.ports import Ports


def test_the_default_ports_are_those_that_the_documentation_names() -> None:
    plan = Ports.with_offset(0)
    assert (plan.controller, plan.ingest, plan.egress, plan.nats, plan.s3) == (7070, 7071, 7072, 7073, 7074)
    assert plan.harvester == 7084


def test_stacks_a_hundred_apart_share_no_port() -> None:
    assert not set(astuple(Ports.with_offset(0))) & set(astuple(Ports.with_offset(100)))


def test_every_port_lies_within_the_thirty_of_a_stack() -> None:
    assert all(7170 <= port < 7200 for port in astuple(Ports.with_offset(100)))


def test_a_taken_port_is_named_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_PATIENCE_SECONDS", 0.0)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(PortTaken, match=rf"port {port}, meant for s3 volume.*--port-offset"):
            ports.require_free({"s3_volume": port})


def test_a_held_socket_accepts_connections_before_any_service_runs() -> None:
    held = ports.hold_listening_sockets({"ingest": 0})["ingest"]
    with held, socket.create_connection(held.getsockname(), timeout=1):
        pass


def test_no_socket_stays_open_when_one_of_them_cannot_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ports, "_PATIENCE_SECONDS", 0.0)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTaken):
        ports.hold_listening_sockets({"ingest": free, "egress": taken.getsockname()[1]})
    ports.require_free({"ingest": free})
