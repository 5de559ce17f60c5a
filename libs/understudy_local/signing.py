"""Signatures for the control API of a stack that asks for them, with AWS's usual credentials of whoever calls."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import botocore.session
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.exceptions import BotoCoreError

from understudy_local.data_directory import REGION, Credentials
from understudy_local.errors import AccessKeysRefused, NoCredentials
from understudy_runtime.access_keys import AccessKeysUnusable, read_access_keys


def signed_headers(method: str, url: str, body: bytes | None) -> Mapping[str, str]:
    """The headers that sign a request, with the key of the environment, the profile or the shared credentials file.

    Raises:
        NoCredentials: none of them has one.
    """
    session = botocore.session.Session()
    try:
        credentials = session.get_credentials()
        region = session.get_config_variable("region") or REGION
    except BotoCoreError as err:
        raise NoCredentials(f"AWS's credentials cannot be read: {err}") from err
    if credentials is None:
        raise NoCredentials(
            "this stack takes signed requests only: give one of its access keys as AWS_ACCESS_KEY_ID and "
            "AWS_SECRET_ACCESS_KEY, or as an AWS_PROFILE."
        )
    request = AWSRequest(method, url, data=body or b"")
    SigV4Auth(credentials.get_frozen_credentials(), "mediapackage", region).add_auth(request)
    return dict(request.headers.items())


def writing_credentials(access_keys: Path) -> Credentials:
    """The first key in a file that may write: the demo needs one to make its channel.

    Raises:
        AccessKeysRefused: the file cannot be used, or has none.
    """
    try:
        keys = read_access_keys(access_keys).values()
    except AccessKeysUnusable as err:
        raise AccessKeysRefused(f"{err}.") from err
    for key in keys:
        if not key.read_only:
            return Credentials(key.access_key_id, key.secret_access_key.get_secret_value())
    raise AccessKeysRefused(f"{access_keys} has no key that may write, and nothing could ever be created.")
