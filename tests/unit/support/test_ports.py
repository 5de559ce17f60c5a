"""Ports for tests are given to one process each, and lie where no connection takes them."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from support import ports

TESTS = Path(__file__).resolve().parents[2]
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
ASK = """
import sys
import tempfile
from support.ports import free_ports
print(*free_ports(150), flush=True)
sys.stdin.read()
"""


def test_processes_side_by_side_never_get_the_same_port() -> None:
    asking = [
        subprocess.Popen([sys.executable, "-c", ASK], cwd=TESTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        for _ in range(4)
    ]
    try:
        given = [int(port) for one in asking if one.stdout is not None for port in one.stdout.readline().split()]
    finally:
        for one in asking:
            one.communicate()

    assert len(given) == 600
    assert len(set(given) | set(ports.free_ports(150))) == 750


@pytest.mark.skipif(not EPHEMERAL.exists(), reason="only Linux says where it takes the ports of connections from")
def test_no_connection_takes_them() -> None:
    first = int(EPHEMERAL.read_text().split()[0])

    assert max(ports.free_ports(150)) < first


def test_what_listens_is_not_free() -> None:
    [port] = ports.free_ports(1)
    assert ports.is_free(port)

    with socket.create_server(("127.0.0.1", port)):
        assert ports.accepts(port)
        assert not ports.is_free(port)


def test_a_block_is_claimed_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(ports, "_BLOCKS", range(2, 5))
    monkeypatch.setattr(ports, "is_free", lambda port: port != 7420)  # of block 3, which begins at 7370

    assert {ports.claim_block(), ports.claim_block()} == {2, 4}
    with pytest.raises(AssertionError, match="claimed or in use"):
        ports.claim_block()
