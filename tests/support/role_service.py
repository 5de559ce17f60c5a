"""Where pods get the keys of their role: Amazon's two ways, answered here with the keys of a test's server."""

from __future__ import annotations

import contextlib
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

from typing_extensions import override

from support.certificates import Certificate

_EXPIRATION = "2099-01-01T00:00:00Z"


@dataclass
class RoleService:
    """One that is running."""

    url: str
    shown: list[str] = field(default_factory=list)
    """The tokens that pods have shown."""


@contextlib.contextmanager
def running_role_service(
    access_key_id: str, secret_access_key: str, *, certificate: Certificate | None = None
) -> Iterator[RoleService]:
    """Answers GET as EKS's pod identity agent does, and POST as STS does to who shows a web identity."""
    running = RoleService("")

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            running.shown.append(self.headers["Authorization"])
            keys = {"AccessKeyId": access_key_id, "SecretAccessKey": secret_access_key, "Token": ""}
            self._answer(json.dumps({**keys, "Expiration": _EXPIRATION}).encode(), "application/json")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"] or 0)).decode()
            asked = parse_qs(urlsplit(self.path).query) | parse_qs(body)
            running.shown += asked["WebIdentityToken"]
            keys = {"AccessKeyId": access_key_id, "SecretAccessKey": secret_access_key, "SessionToken": ""}
            elements = "".join(
                f"<{name}>{value}</{name}>" for name, value in {**keys, "Expiration": _EXPIRATION}.items()
            )
            text = f"<Credentials>{elements}</Credentials>"
            for element in ("AssumeRoleWithWebIdentityResult", "AssumeRoleWithWebIdentityResponse"):
                text = f"<{element}>{text}</{element}>"
            self._answer(text.encode(), "text/xml")

        def _answer(self, body: bytes, kind: str) -> None:
            self.send_response(200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        @override
        def log_message(self, *_: object) -> None:
            """Nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    running.url = f"http://127.0.0.1:{server.server_port}"
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate.certificate_file, certificate.key_file)
        server.socket = context.wrap_socket(server.socket, server_side=True)
        running.url = running.url.replace("http://", "https://")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield running
    finally:
        server.shutdown()
        server.server_close()
