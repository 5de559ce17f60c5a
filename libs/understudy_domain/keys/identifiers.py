"""What identifies resources and inputs."""

from __future__ import annotations

import re
from typing import Final

from understudy_domain.errors import MalformedKey

INPUTS: Final = (1, 2)

RESOURCE_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,256}")
GUID: Final = re.compile(r"[0-9a-f]{32}")


def checked_id(resource_id: str) -> str:
    """An id as it is, if it is one.

    Raises:
        MalformedKey: it is none.
    """
    if not RESOURCE_ID.fullmatch(resource_id):
        raise MalformedKey(f"an id has 1 to 256 of A-Z a-z 0-9 _ -, this is none: {resource_id!r:.80}")
    return resource_id
