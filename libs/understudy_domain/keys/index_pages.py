"""The keys of the objects that hold index pages."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from understudy_domain.errors import MalformedKey


def index_pages_prefix(origin_endpoint_guid: str) -> str:
    """What the keys of all index pages of an origin endpoint begin with."""
    return f"index/{origin_endpoint_guid}/"


NEVER_RECEIVED: Final = 10**13 - 1
_PAGE_NUMBERS = 7
_INDEX_PAGE_KEY = re.compile(r"index/([0-9a-f]{32})/(\d{16})" + r"-(\d{1,16})" * (_PAGE_NUMBERS - 1) + r"\.page")


@dataclass(frozen=True, slots=True)
class IndexPageKey:
    """What the key of an index page says of it: enough to find an entry, and to know when the page may go.

    Every number follows from its entries, so the same entries have the same key. Instants are ms since the epoch, those
    at which something begins rounded down and those at which it ends rounded up.
    """

    origin_endpoint_guid: str
    first: int
    """Media sequence of its first entry."""
    last: int
    """Media sequence of its last entry."""
    begin_milliseconds: int
    """Program date time of its first entry."""
    end_milliseconds: int
    """Up to where the latest of its entries goes, program date time."""
    available_milliseconds: int
    """When the last of its entries becomes available."""
    decided_milliseconds: int
    """As of when its last entry was decided: later entries were stored later."""
    received_milliseconds: int
    """When the first of the objects that its entries name was received; ``NEVER_RECEIVED`` where they name none."""

    def render(self) -> str:
        """The key; pages sort by media sequence."""
        programme = f"{self.first:016d}-{self.last}-{self.begin_milliseconds}-{self.end_milliseconds}"
        kept = f"{self.available_milliseconds}-{self.decided_milliseconds}-{self.received_milliseconds}"
        return f"{index_pages_prefix(self.origin_endpoint_guid)}{programme}-{kept}.page"


def parse_index_page_key(key: str) -> IndexPageKey:
    """The parts of an index page's key.

    Raises:
        MalformedKey: it is none.
    """
    match = _INDEX_PAGE_KEY.fullmatch(key)
    if match is None:
        raise MalformedKey(f"not the key of an index page: {key!r:.200}")
    guid, *numbers = match.groups()
    return IndexPageKey(guid, *map(int, numbers))
