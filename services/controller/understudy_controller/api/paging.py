"""Pages of a list that is ordered by id. A token holds the list's name, the last id shown and nothing of this process.

A page therefore continues rightly after a restart, at another controller, and when resources came and went meanwhile:
what existed all along is listed exactly once.
"""

from __future__ import annotations

import base64
import binascii
import heapq
from collections.abc import Iterable
from typing import Final, Protocol, TypeVar

from understudy_domain import keys
from understudy_domain.errors import InvalidResource

PAGE_LENGTH_DEFAULT: Final = 1_000


class Named(Protocol):
    """What is listed."""

    @property
    def id(self) -> str:
        """Its id: no other one of its kind has it."""


R = TypeVar("R", bound=Named)


def page_of(list_name: str, resources: Iterable[R], *, length: int, token: str | None) -> tuple[list[R], str | None]:
    """``(the resources of this page, the next page's token or None at the end)``.

    Raises:
        InvalidResource: the token is none of ours, or of another list.
    """
    prefix = f"{list_name}:"
    after = None if token is None else _last_id(token, prefix)
    rest = (resource for resource in resources if after is None or resource.id > after)
    page = heapq.nsmallest(length + 1, rest, key=lambda resource: resource.id)
    if len(page) <= length:
        return page, None
    return page[:length], _token(prefix + page[length - 1].id)


def _token(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _last_id(token: str, prefix: str) -> str:
    try:
        text = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as err:
        raise InvalidResource("nextToken: not a token of this API") from err
    last_id = text.removeprefix(prefix)
    if last_id == text or not keys.RESOURCE_ID.fullmatch(last_id):
        raise InvalidResource("nextToken: not a token of this list")
    return last_id
