"""How many pages one controller feeds: it decides as well, and somebody's script must not take that from it."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send
from typing_extensions import override

from understudy_domain.errors import UnderstudyError

PAGES_MAX: Final = 300
"""In all: six times what was measured (docs/performance.md), and far less than a process may have connections."""
PAGES_OF_ONE_MAX: Final = 100
"""Of one viewer, who may be a shift that shares a key: what is left is for the others."""


class TooManyPages(UnderstudyError):
    """A controller feeds as many pages as it may."""

    code = "too_many_pages"
    status = 429


class Places:
    """The pages that are fed, by whom they are looked at."""

    def __init__(self) -> None:
        self._taken: Counter[str] = Counter()

    def check(self, viewer: str) -> None:
        """Whether there is a place for one page more.

        Raises:
            TooManyPages: there is none, for this viewer or for anybody.
        """
        if self._taken[viewer] >= PAGES_OF_ONE_MAX:
            raise TooManyPages(f"{viewer} has {PAGES_OF_ONE_MAX} pages of the console open here: close some")
        if self._taken.total() >= PAGES_MAX:
            raise TooManyPages(f"{PAGES_MAX} pages of the console are open here: close some, or ask another controller")

    @contextmanager
    def taken(self, viewer: str) -> Iterator[None]:
        """One of them, for as long as this lasts."""
        self._taken[viewer] += 1
        try:
            yield
        finally:
            self._taken[viewer] -= 1
            if not self._taken[viewer]:
                del self._taken[viewer]


class Fed(StreamingResponse):
    """What a page is fed; it has a place until it has gone."""

    def __init__(
        self, events: AsyncIterable[bytes], *, places: Places, viewer: str, headers: Mapping[str, str]
    ) -> None:
        super().__init__(events, media_type="text/event-stream", headers=headers)
        self._places = places
        self._viewer = viewer

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._places.taken(self._viewer):
            await super().__call__(scope, receive, send)
