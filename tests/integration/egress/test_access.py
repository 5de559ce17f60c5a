"""Who is let in, as real clients and proxies ask."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace

import pytest

from support.egress_process import Answer, EgressProcess
from support.program_publisher import ProgramPublisher, Shown
from understudy_domain.channel import OriginEndpoint
from understudy_runtime.settings import CommonSettings


@pytest.fixture(scope="module")
def guarded(shared_settings: CommonSettings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EgressProcess]:
    """An egress process behind proxies of this machine."""
    directory = tmp_path_factory.mktemp("guarded")
    with EgressProcess(directory, shared_settings, trusted_proxies="127.0.0.0/8, 10.0.0.0/8") as process:
        yield process


async def publish(publisher: ProgramPublisher, endpoint: OriginEndpoint) -> None:
    await publisher.configure(endpoint)
    for _ in range(3):
        await publisher.publish(endpoint)


def code_of(answer: Answer) -> tuple[int, str]:
    if answer.status == 200:
        return 200, ""
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["access-control-allow-origin"] == "*"
    return answer.status, json.loads(answer.body)["code"]


@pytest.mark.compatibility("OriginEndpoint.whitelist")
async def test_a_whitelist_is_held_against_the_client_before_the_proxies(
    guarded: EgressProcess, egress: EgressProcess, publisher: ProgramPublisher, shown: Shown
) -> None:
    await publish(publisher, replace(shown.endpoint, whitelist=("203.0.113.0/24",)))
    refused = 403, "client_not_whitelisted"
    for path in (shown.multivariant, shown.media, shown.segment(1)):
        with guarded.connect() as kept:
            assert code_of(kept.request(path, "X-Forwarded-For: 203.0.113.9, 10.1.2.3")) == (200, "")
            # What has been let in once opens nothing to the next one on the same connection.
            assert code_of(kept.request(path, "X-Forwarded-For: 203.0.113.9, 198.51.100.1")) == refused
            assert code_of(kept.request(path, "X-Forwarded-For: 203.0.113.9, nonsense")) == refused
            assert code_of(kept.request(path)) == refused
        # The other process trusts nobody: there the same header is the word of anybody.
        assert code_of(egress.get(path, "X-Forwarded-For: 203.0.113.9")) == refused
    seen = json.loads(guarded.get(shown.media, "X-Forwarded-For: 198.51.100.1").body)["message"]
    assert "198.51.100.1" in seen
