"""The control API of a running stack, for the commands that change something: whatever answers it takes the order."""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import quote, urlsplit

from understudy_local.data_directory import DataDirectory
from understudy_local.errors import ApiRefused, ApiUnreachable

_TIMEOUT_SECONDS: Final = 15.0


class ControlApi:
    """One stack's, by its ``stack.json``."""

    def __init__(self, directory: DataDirectory) -> None:
        """For the stack that runs on ``directory``.

        Raises:
            StackNotRunning: none does.
        """
        directory.require_running()
        stack = directory.read_stack()
        self._url: str = stack["api_url"]
        self._signs = stack.get("authentication") == "sigv4"

    def get(self, path: str) -> dict[str, Any]:
        """What a path under ``/understudy/v1/`` answers.

        Raises:
            ApiRefused: it refuses.
            ApiUnreachable: it gives no answer.
            NoCredentials: it wants a signature, and there is nothing to sign with.
        """
        return self._request("GET", path, None)

    def put(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """The same, having put ``body`` there."""
        return self._request("PUT", path, body)

    def post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """The same, having posted ``body`` there. Never tried again: what was ordered once is not ordered twice."""
        return self._request("POST", path, body)

    def _request(self, method: str, path: str, body: dict[str, object] | None) -> dict[str, Any]:
        url = f"{self._url}/understudy/v1/{path}"
        content = None if body is None else json.dumps(body).encode()
        headers: Mapping[str, str] = {}
        if self._signs:
            from understudy_local.signing import signed_headers  # noqa: PLC0415  # a tenth of a second to load

            headers = signed_headers(method, url, content)
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=_TIMEOUT_SECONDS)
        try:
            connection.request(method, url.removeprefix(self._url), content, dict(headers))
            answer = connection.getresponse()
            status, answered = answer.status, json.loads(answer.read())
        except (OSError, http.client.HTTPException, ValueError) as err:
            raise ApiUnreachable(f"the control API gives no answer: {err}; see the controller's log.") from err
        finally:
            connection.close()
        if status >= http.client.BAD_REQUEST:
            raise ApiRefused(str(answered.get("message", status)), answered.get("code"))
        found: dict[str, Any] = answered
        return found


def path_of(kind: str, resource_id: str, what: str) -> str:
    """``origin_endpoints/news/status``: a resource's path, whatever its id is made of."""
    return f"{kind}/{quote(resource_id, safe='')}/{what}"
