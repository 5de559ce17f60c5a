"""What holds for every request of the control API, below FastAPI.

Each answer has a request id and is stored by no cache. No body is large, and every body is JSON whatever it calls
itself: no operation takes anything else, and ``curl -d`` says it sends a form. Handlers find the id in
``request.state.request_id``; signatures are checked on ``request.state.headers_as_sent``.
"""

from __future__ import annotations

import secrets
from typing import Final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from understudy_controller.api.errors import BodyTooLarge

BODY_BYTES_MAX: Final = 256 * 1024
"""More than any request within the limits on fields, and well below what the bus carries in a message."""


class WireRules:
    """ASGI middleware for these rules; a body that does not end raises ``BodyTooLarge`` where it is read."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one connection's scope."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # In place: what routing notes in the scope must be seen by whoever is outside of this.
        headers_as_sent = scope["headers"]
        named = [header for header in scope["headers"] if header[0] != b"content-type"]
        scope["headers"] = [*named, (b"content-type", b"application/json")]
        request_id = secrets.token_hex(16)
        scope["state"] = {**scope.get("state", {}), "request_id": request_id, "headers_as_sent": headers_as_sent}
        received = 0

        async def receive_bounded() -> Message:
            nonlocal received
            message = await receive()
            received += len(message.get("body", b""))
            if received > BODY_BYTES_MAX:
                raise BodyTooLarge(413, f"a request body has at most {BODY_BYTES_MAX} bytes")
            return message

        async def send_identified(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [header for header in message["headers"] if header[0].lower() != b"cache-control"]
                # Some answers hold passwords, and all of them are of this moment.
                own = [(b"cache-control", b"no-store"), (b"x-amzn-requestid", request_id.encode())]
                message["headers"] = [*headers, *own]
            await send(message)

        await self._app(scope, receive_bounded, send_identified)
