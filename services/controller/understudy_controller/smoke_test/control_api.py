"""The control API, asked as AWS's clients ask it."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any, Final

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import ReadOnlyCredentials

from understudy_controller.smoke_test.errors import SmokeTestFailed
from understudy_controller.smoke_test.http import Address, request
from understudy_runtime.access_keys import AccessKey, AccessKeysUnusable, read_access_keys

_REGION: Final = "us-east-1"
_SERVICE: Final = "mediapackage"


def first_writing_key(path: Path) -> AccessKey:
    """The first key of a file that may write.

    Raises:
        SmokeTestFailed: there is none, or the file cannot be used.
    """
    try:
        keys = read_access_keys(path).values()
    except AccessKeysUnusable as err:
        raise SmokeTestFailed(str(err)) from err
    for key in keys:
        if not key.read_only:
            return key
    raise SmokeTestFailed(f"{path} has no key that may write: add one without read_only")


class ControlApi:
    """One installation's."""

    def __init__(self, address: Address, key: AccessKey | None) -> None:
        """``key`` None: requests are not signed."""
        self._url = address.url
        self._key = key

    def post(self, path: str, body: dict[str, object]) -> dict[str, Any]:
        """Create something.

        Raises:
            SmokeTestFailed: it was refused.
        """
        return self._ask("POST", path, json.dumps(body).encode())

    def delete(self, path: str) -> None:
        """Delete something, whether or not it is there.

        Raises:
            SmokeTestFailed: it was refused.
        """
        self._ask("DELETE", path, None)

    def _ask(self, method: str, path: str, body: bytes | None) -> dict[str, Any]:
        url = self._url + path
        headers = {"Content-Type": "application/json"} if body is not None else {}
        if self._key is not None:
            unsigned = AWSRequest(method, url, headers=headers, data=body or b"")
            secret = self._key.secret_access_key.get_secret_value()
            credentials = ReadOnlyCredentials(self._key.access_key_id, secret, None)
            SigV4Auth(credentials, _SERVICE, _REGION).add_auth(unsigned)
            headers = dict(unsigned.headers.items())
        answer = request(method, url, body, headers=headers)
        if method == "DELETE" and answer.status == http.client.NOT_FOUND:
            return {}
        if not answer.is_good:
            raise SmokeTestFailed(f"the control API refuses {method} {path}: {answer.words()}")
        found: dict[str, Any] = json.loads(answer.body or b"{}")
        return found
