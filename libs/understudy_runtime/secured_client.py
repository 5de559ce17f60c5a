"""The library's client, which shows who it is and whom it trusts by files that are read again at each connect.

It leans on the library's inside where that has no door for it (hence the library is pinned): the TLS context and the
credentials are asked for once, before the first connect; and a server that offers no TLS is told everything in clear.
"""

from __future__ import annotations

import ssl
from typing import Any

import nats.errors
from nats.aio.client import Srv
from typing_extensions import override

from understudy_runtime.client import DirectClient
from understudy_runtime.nats_login import Login
from understudy_runtime.tls_files import TlsFiles


class NoTls(nats.errors.Error):
    """The server offers no TLS, and the settings demand it; nothing has been told to it."""


class UnreadableFile(nats.errors.Error):
    """A file that is needed to connect cannot be read, or holds something else."""


class SecuredClient(DirectClient):
    """A client by the settings of a service."""

    def __init__(self, login: Login, tls: TlsFiles) -> None:
        super().__init__()
        self._login = login
        self._tls = tls
        self._demands_tls = tls.are_given or any(url.startswith("tls://") for url in login.urls)

    @property
    @override
    def ssl_context(self) -> ssl.SSLContext:
        try:
            return self._tls.context()
        except ValueError as err:
            raise UnreadableFile(f"a certificate or key of UNDERSTUDY_NATS_TLS_...: {err}") from err

    @override
    async def _connect_to_server(self, s: Srv) -> None:
        if self._transport is not None:
            # A try that came to nothing: the library would leave it to the garbage collector.
            self._transport.close()  # type: ignore[no-untyped-call]
        await super()._connect_to_server(s)

    @override
    async def _process_info(self, info: dict[str, Any], initial_connection: bool = False) -> None:
        # A server that leaves the choice to its clients: the library would choose to do without.
        if self._demands_tls and info.get("tls_available"):
            info["tls_required"] = True
        await super()._process_info(info, initial_connection)

    @override
    def _connect_command(self) -> bytes:
        if self._demands_tls and not self._server_info.get("tls_required"):
            raise NoTls("the server offers no TLS")
        try:
            credentials = self._login.credentials()
        except ValueError as err:
            raise UnreadableFile(f"UNDERSTUDY_NATS_CREDENTIALS_FILE: {err}") from err
        if credentials is not None:
            jwt = credentials.jwt
            self._signature_cb = credentials.sign
            self._user_jwt_cb = None if jwt is None else jwt.encode
            self._public_nkey = credentials.public_key
        return super()._connect_command()
