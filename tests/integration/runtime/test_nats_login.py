"""A real nats-server that asks who connects: every way to say it, and what is told where it is not taken."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import re
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from support.certificates import Authority, Certificate
from support.deadline import eventually_beside
from support.nats_accounts import Operator, User
from support.nats_server import NatsServer, running_nats_server
from understudy_domain.channel import Channel
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus
from understudy_runtime.settings import CommonSettings

_SECONDS = 15.0
PASSWORD = "hunter2-hunter2"
TOPOLOGIES = Path(__file__).parents[3] / "docs" / "operations" / "topologies.md"
WRONG = "wrong-hunter2"


@contextlib.asynccontextmanager
async def connecting(settings: CommonSettings) -> AsyncIterator[Bus]:
    """A bus that connects, however long that takes."""
    bus = Bus(settings, name="test")
    opening = asyncio.create_task(bus.open())
    try:
        yield bus
    finally:
        opening.cancel()
        await asyncio.gather(opening, return_exceptions=True)
        await bus.close()


async def connected(bus: Bus) -> None:
    await eventually_beside(lambda: bus.is_connected, within_seconds=_SECONDS, what="connected")
    assert bus.trouble is None
    await bus.api_request("INFO")


async def trouble(bus: Bus, *, of: str = "NATS: ") -> str:
    """Why it does not connect."""
    await eventually_beside(lambda: of in (bus.trouble or "\0"), within_seconds=_SECONDS, what=f"trouble {of}")
    return bus.trouble or ""


def connections(server: NatsServer) -> list[dict[str, Any]]:
    """As the server has them."""
    found: list[dict[str, Any]] = httpx.get(f"http://127.0.0.1:{server.monitor_port}/connz?auth=1").json()[
        "connections"
    ]
    return found


def who(server: NatsServer) -> list[str]:
    """The users that are connected, as the server has them."""
    return [one.get("authorized_user", "") for one in connections(server)]


def password_config(password: str) -> str:
    return f'authorization: {{ user: understudy, password: "{password}" }}'


def settings_of(server: NatsServer, **given: Any) -> CommonSettings:
    return CommonSettings.model_validate({"nats_url": server.url, **given})


async def test_a_wrong_password_is_told_and_once_it_is_right_the_service_goes_on(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    with running_nats_server(tmp_path, config=password_config(WRONG)) as server:
        settings = settings_of(server, nats_user="understudy", nats_password=PASSWORD)
        async with connecting(settings) as bus:
            told = await trouble(bus, of="does not take the login")
            assert told == (
                "NATS: the server does not take the login (Authorization Violation); "
                "look at UNDERSTUDY_NATS_USER and UNDERSTUDY_NATS_PASSWORD"
            )
            await asyncio.sleep(1)
            assert caplog.text.count("does not take the login") == 1
            server.reload(password_config(PASSWORD))
            await connected(bus)
            server.reload(password_config(WRONG))  # the server ends connections whose login is no longer good
            await trouble(bus, of="does not take the login")
            server.reload(password_config(PASSWORD))
            await connected(bus)
    assert PASSWORD not in caplog.text


async def test_where_nothing_says_who_connects_that_is_told(tmp_path: Path) -> None:
    with running_nats_server(tmp_path, config=password_config(PASSWORD)) as server:
        async with connecting(settings_of(server)) as bus:
            await trouble(bus, of="nothing says so: set UNDERSTUDY_NATS_CREDENTIALS_FILE")


async def test_a_token_opens(tmp_path: Path) -> None:
    with running_nats_server(tmp_path, config=f'authorization: {{ token: "{PASSWORD}" }}') as server:
        async with connecting(settings_of(server, nats_token=PASSWORD)) as bus:
            await connected(bus)


async def test_an_nkey_opens(tmp_path: Path) -> None:
    user = User(4)
    seed = tmp_path / "user.nk"
    seed.write_text(user.seed)
    config = f"authorization: {{ users: [{{ nkey: {user.name} }}] }}"
    with running_nats_server(tmp_path / "nats", config=config) as server:
        async with connecting(settings_of(server, nats_credentials_file=seed)) as bus:
            await connected(bus)
            assert who(server) == [user.name]


async def test_a_credentials_file_is_read_at_each_connect(tmp_path: Path) -> None:
    operator, stranger = Operator(), User(9)
    credentials = tmp_path / "user.creds"
    # Who signs with another key than the claims name.
    credentials.write_text(operator.credentials(User(5)).replace(User(5).seed, stranger.seed))
    with running_nats_server(tmp_path / "nats", config=operator.config) as server:
        async with connecting(settings_of(server, nats_credentials_file=credentials)) as bus:
            await trouble(bus, of="look at UNDERSTUDY_NATS_CREDENTIALS_FILE")
            credentials.write_text("half of")
            await trouble(bus, of="UNDERSTUDY_NATS_CREDENTIALS_FILE: the file holds neither")
            credentials.write_text(operator.credentials(User(5)))
            await connected(bus)
            assert who(server) == [User(5).name]
            credentials.write_text(operator.credentials(User(6)))
            server.restart()
            await eventually_beside(
                lambda: who(server) == [User(6).name], within_seconds=_SECONDS, what="the other user connects"
            )


async def test_the_permissions_that_the_page_names_are_enough(tmp_path: Path) -> None:
    line = next(line for line in TOPOLOGIES.read_text().splitlines() if "`arrivals.>`" in line)
    subjects = ", ".join(f'"{subject}"' for subject in re.findall(r"`([^`]+>)`", line))
    permissions = f"permissions: {{ publish: [{subjects}], subscribe: [{subjects}] }}"
    config = f'authorization: {{ users: [{{ user: understudy, password: "{PASSWORD}", {permissions} }}] }}'
    with running_nats_server(tmp_path / "nats", config=config) as server:
        settings = settings_of(server, nats_user="understudy", nats_password=PASSWORD)
        async with connecting(settings) as bus:
            await connected(bus)
            await bus.ensure_streams()
            store = ConfigStore(bus)
            await store.start()
            await store.create(Channel("news", "a" * 32, (), 0))
            await store.ensure_current()
            sequences = [await bus.publish("arrivals.0.channel.1", b"x" * 1_000) for _ in range(2_000)]
            assert len(await bus.fetch("ARRIVALS", "arrivals.>")) == len(sequences)  # under flow control
            await bus.purge("ARRIVALS", "arrivals.>")
            await store.stop()


# --- TLS --------------------------------------------------------------------------------------------------------------


def tls_config(authority: Authority, certificate: Certificate, *, verify: bool = False, more: str = "") -> str:
    return f"""
        tls {{
          cert_file: "{certificate.certificate_file}", key_file: "{certificate.key_file}"
          ca_file: "{authority.ca_file}", verify: {str(verify).lower()}
        }}
        {more}
    """


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def server_certificate(authority: Authority) -> Certificate:
    return authority.issue("server")


@pytest.fixture
def tls_server(tmp_path: Path, authority: Authority, server_certificate: Certificate) -> Iterator[NatsServer]:
    with running_nats_server(tmp_path / "nats", config=tls_config(authority, server_certificate)) as server:
        yield server


async def test_with_its_authority_a_server_is_trusted(tls_server: NatsServer, authority: Authority) -> None:
    async with connecting(settings_of(tls_server, nats_tls_ca_file=authority.ca_file)) as bus:
        await connected(bus)


async def test_a_server_of_an_unknown_authority_is_told_nothing(
    tls_server: NatsServer, authority: Authority, tmp_path: Path
) -> None:
    trusted = tmp_path / "ca.pem"
    trusted.write_bytes(Authority(tmp_path / "other").ca_file.read_bytes())
    async with connecting(settings_of(tls_server, nats_tls_ca_file=trusted)) as bus:
        told = await trouble(bus)
        assert told.startswith("NATS: the server's certificate is not trusted (")
        assert told.endswith("look at UNDERSTUDY_NATS_TLS_CA_FILE and UNDERSTUDY_NATS_TLS_SERVER_NAME")
        trusted.write_bytes(authority.ca_file.read_bytes())  # read at each connect
        await connected(bus)


async def test_a_server_of_another_name_is_not_trusted(tls_server: NatsServer, authority: Authority) -> None:
    settings = settings_of(tls_server, nats_tls_ca_file=authority.ca_file, nats_tls_server_name="nats.example")
    async with connecting(settings) as bus:
        await trouble(bus, of="the server's certificate is not trusted (Hostname mismatch")
    async with connecting(settings.model_copy(update={"nats_tls_server_name": "localhost"})) as bus:
        await connected(bus)


async def test_a_server_that_verifies_clients_wants_a_certificate(
    tmp_path: Path, authority: Authority, server_certificate: Certificate
) -> None:
    own = authority.issue("understudy")
    config = tls_config(authority, server_certificate, verify=True)
    with running_nats_server(tmp_path / "nats", config=config) as server:
        async with connecting(settings_of(server, nats_tls_ca_file=authority.ca_file)) as bus:
            await trouble(bus, of="UNDERSTUDY_NATS_TLS_CERTIFICATE_FILE")
        shown = {"nats_tls_certificate_file": own.certificate_file, "nats_tls_key_file": own.key_file}
        async with connecting(settings_of(server, nats_tls_ca_file=authority.ca_file, **shown)) as bus:
            await connected(bus)


async def test_a_server_without_tls_is_told_no_password(tmp_path: Path, authority: Authority) -> None:
    with running_nats_server(tmp_path / "nats", config=password_config(PASSWORD)) as server:
        login = {"nats_user": "understudy", "nats_password": PASSWORD}
        async with connecting(settings_of(server, nats_tls_ca_file=authority.ca_file, **login)) as bus:
            await trouble(bus, of="the server offers none; nothing was told")
        demanded = {"nats_url": server.url.replace("nats://", "tls://")}
        async with connecting(settings_of(server, **demanded, **login)) as bus:
            await trouble(bus, of="the server offers none; nothing was told")


async def test_of_a_server_that_leaves_the_choice_tls_is_taken(
    tmp_path: Path, authority: Authority, server_certificate: Certificate
) -> None:
    config = tls_config(authority, server_certificate, more="allow_non_tls: true")
    with running_nats_server(tmp_path / "nats", config=config) as server:
        async with connecting(settings_of(server, nats_tls_ca_file=authority.ca_file)) as bus:
            await connected(bus)
            assert [one["tls_version"] for one in connections(server)] == ["1.3"]
