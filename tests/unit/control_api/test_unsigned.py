"""Where requests need no signature: pages of others are refused, and what no operator asks for by name."""

from __future__ import annotations

import socket

import httpx
import pytest

from understudy_controller.app import create_app
from understudy_controller.authentication.refusal import Reason, RequestRefused
from understudy_controller.authentication.unsigned import UnsignedRequests, is_reached_from_elsewhere
from understudy_controller.settings import ControllerSettings


def reason_of(*hosts: str, **headers: str) -> Reason | None:
    """Why such a request is refused; None: it is not."""
    sent = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    try:
        UnsignedRequests(hosts).check(sent)
    except RequestRefused as err:
        return err.reason
    return None


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1:7070", "localhost:7070", "LOCALHOST", "api.localhost:1", "[::1]:7070", "10.1.2.3", "api.example:1"],
)
def test_addresses_localhost_and_names_of_ours_are_answered(host: str) -> None:
    assert reason_of("API.example", host=host) is None
    assert reason_of("API.example", host=host, origin=f"http://{host}", sec_fetch_site="same-origin") is None
    assert reason_of("API.example", host=host, sec_fetch_site="none") is None


@pytest.mark.parametrize(
    "host",
    ["evil.example:7070", "127.0.0.1.evil.example", "localhost.evil.example", "evillocalhost", "[::1", "", "a@b"],
)
def test_a_name_that_leads_here_and_is_none_of_ours_is_refused(host: str) -> None:
    assert reason_of("api.example", host=host) is Reason.FOREIGN_HOST


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:8000", "http://127.0.0.1", ""])
def test_a_page_of_another_origin_is_refused(origin: str) -> None:
    assert reason_of(host="127.0.0.1:7070", origin=origin) is Reason.FOREIGN_ORIGIN


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "else"])
def test_what_the_browser_says_of_the_page_counts(site: str) -> None:
    assert reason_of(host="127.0.0.1:7070", sec_fetch_site=site) is Reason.FOREIGN_ORIGIN


def client_of(settings: ControllerSettings, url: str) -> httpx.AsyncClient:
    """Of an application that is not started."""
    transport = httpx.ASGITransport(create_app(settings, keys=None))
    return httpx.AsyncClient(transport=transport, base_url=url)


async def test_the_application_refuses_them_with_what_to_do_and_leaves_probes_open() -> None:
    settings = ControllerSettings(authentication="none", api_hosts="one.example, two.example")
    async with client_of(settings, "http://two.example") as client:
        refused = await client.post("/channels", json={"id": "a"}, headers={"Origin": "http://evil.example"})
        assert (refused.status_code, refused.headers["x-amzn-errortype"]) == (403, "ForbiddenException")
        assert (await client.get("/nowhere")).status_code == 404, "two.example is named"
    async with client_of(settings, "http://evil.example") as other:
        refused = await other.get("/channels")
        assert refused.status_code == 403
        assert "UNDERSTUDY_API_HOSTS" in refused.json()["message"]
        assert (await other.get("/healthz")).status_code == 200


async def test_no_answer_may_be_stored() -> None:
    async with client_of(ControllerSettings(authentication="none"), "http://localhost") as client:
        for path in ("/understudy/v1/openapi.json", "/nowhere", "/healthz"):
            assert (await client.get(path)).headers.get_list("cache-control") == ["no-store"], path


def test_a_port_that_others_reach_is_known() -> None:
    for host, is_reached in (
        ("0.0.0.0", True),
        ("::", True),
        ("127.0.0.1", False),
        ("::1", False),
        ("localhost", False),
    ):
        assert is_reached_from_elsewhere(ControllerSettings(listen_host=host)) is is_reached, host
    with socket.create_server(("127.0.0.1", 0)) as listening:
        assert not is_reached_from_elsewhere(ControllerSettings(listen_fd=listening.fileno()))
