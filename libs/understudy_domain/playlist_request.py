"""What the URL of a playlist asks for: which playlist, and which part of the programme (start-over viewing).

The two ways in which MediaPackage has a window written, ``<t>`` being POSIX seconds or an ISO 8601 instant:

* in the path, before the playlist's name: ``/out/v1/<guid>/start/<t>/end/<t>/index.m3u8``, each of the two optional;
* in the query: ``?start=<t>&end=<t>``, each optional.

Rules.

1. ``start`` and ``end`` ask for a fixed window, ``start`` alone for all from there on, ``end`` alone for nothing
   special.
2. A window is said once: a parameter that comes twice, or in the path and in the query, is refused (400), and so are
   an instant that does not parse, an end that does not lie behind the start, and more than 24 h.
3. ``aws.manifestfilter`` asks a multivariant playlist, live or of a window, for some of its renditions
   (``manifest_filter``). It comes once, and child playlists do not carry it: they refuse it.
4. All other parameters of a query are ignored: people add them to get past caches. **A parameter that is to mean
   something is added here**: to ``_MEANT`` and ``_MEANS_SOMETHING`` (so that the fast path leaves it alone), to
   ``PlaylistRequest`` as a field with a default, and to ``child_query`` where child playlists have to carry it.
5. Child playlists of a multivariant playlist carry its window in the form in which it was asked for, to the letter, so
   that a CDN caches them by URL. A window in the path needs nothing for that: URIs are relative. Segments are those of
   the live playlists, at the same URLs: ``segment_prefix`` leads to them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from understudy_domain import keys
from understudy_domain.errors import UnderstudyError, UnknownObject
from understudy_domain.instants import MalformedInstant, parse_instant
from understudy_domain.manifest_filter import (
    PARAMETER,
    MalformedManifestFilter,
    ManifestFilter,
    parse_manifest_filter,
)
from understudy_domain.ticks import TICKS_PER_SECOND

WINDOW_MAX: Final = 24 * 3600 * TICKS_PER_SECOND
"""The longest window that may be asked for, ticks, as in MediaPackage; one without an end closes after as long."""

_PREFIX = "/out/v1/"
_NAME = re.compile(r"[A-Za-z0-9_-]{1,300}\.m3u8")
_MEANT: Final = ("start", "end")
_MEANS_SOMETHING = re.compile(rb"(?:^|&)(?:(?:start|end|(?i:aws\.manifestfilter))(?:[=&]|$)|[^=&]*%)")
"""A parameter of ours, or one whose name is escaped: that one is read with care elsewhere."""

_ESCAPED = re.compile(r"(?:%[0-9A-Fa-f]{2})+")


class MalformedPlaylistRequest(UnderstudyError):
    """A playlist is asked for in a way that means nothing; the message names the parameter and what it has to be."""

    code = "malformed_playlist_request"
    status = 400


@dataclass(frozen=True, slots=True)
class PlaylistRequest:
    """A playlist, and the window of it that is asked for."""

    origin_endpoint_guid: str
    name: str
    """The file's own name: ``index.m3u8``, ``index_v1.m3u8``."""
    start: int | None = None
    """Program date time from which on, ticks since the epoch; None: the live playlist."""
    end: int | None = None
    """Program date time up to which, ticks since the epoch; None where there is no ``start``."""
    child_query: str = ""
    """What has to stand behind the URI of a child playlist: ``?start=…``, as asked for; mostly empty."""
    segment_prefix: str = ""
    """What has to stand before the URI of a segment, relative to the live playlist: ``../../``; mostly empty."""
    manifest_filter: ManifestFilter | None = None
    """Which renditions are to be listed; None: all."""

    @property
    def is_live(self) -> bool:
        """The live playlist is asked for."""
        return self.start is None

    @property
    def live_path(self) -> str:
        """The path of the live playlist of this name."""
        return f"{_PREFIX}{self.origin_endpoint_guid}/{self.name}"


def means_something(query: bytes) -> bool:
    """Whether a query could ask for another playlist than its path alone does; cheap, and on the safe side."""
    return _MEANS_SOMETHING.search(query) is not None


def parse_playlist_request(path: str, query: str = "") -> PlaylistRequest:
    """What a playlist's URL asks for.

    Args:
        path: percent-decoded, beginning with ``/out/v1/``.
        query: as sent, without the question mark.

    Raises:
        UnknownObject: the path is no playlist's.
        MalformedPlaylistRequest: the window is none.
        MalformedManifestFilter: the filter is none.
    """
    guid, folders, name = _parts(path)
    in_path = _window_of_folders(folders)
    in_query = _window_of_query(query)
    if in_path and in_query:
        raise MalformedPlaylistRequest("start and end belong into the path or into the query, not into both")
    asked = in_path or in_query
    start, end = (_instant(which, asked.get(which)) for which in _MEANT)
    _check(start, end)
    return PlaylistRequest(
        guid,
        name,
        start=start,
        end=None if start is None else end,
        child_query=_child_query(in_query) if start is not None else "",
        segment_prefix="../" * len(folders),
        manifest_filter=requested_filter(query),
    )


def requested_filter(query: str) -> ManifestFilter | None:
    """The manifest filter in a query.

    Raises:
        MalformedManifestFilter: it is none, or there are several.
    """
    found: ManifestFilter | None = None
    for parameter in query.split("&") if query else ():
        name, _, value = parameter.partition("=")
        if _unescaped(name).lower() != PARAMETER:
            continue
        if found is not None:
            raise MalformedManifestFilter(f"{PARAMETER} is there twice; say it once")
        found = parse_manifest_filter(_unescaped(value))
    return found


def _parts(path: str) -> tuple[str, list[str], str]:
    guid, *folders, name = path.removeprefix(_PREFIX).split("/")
    if not path.startswith(_PREFIX) or not keys.GUID.fullmatch(guid) or not _NAME.fullmatch(name):
        raise UnknownObject("neither a playlist nor a segment")
    return guid, folders, name


def _window_of_folders(folders: list[str]) -> dict[str, str]:
    match folders:
        case []:
            return {}
        case [("start" | "end") as which, one]:
            return {which: one}
        case ["start", start, "end", end]:
            return {"start": start, "end": end}
        case ["start" | "end", *_]:
            raise MalformedPlaylistRequest("a path says /start/<time>/end/<time>/ in this order, each once")
        case _:
            raise UnknownObject("neither a playlist nor a segment")


def _window_of_query(query: str) -> dict[str, str]:
    """As sent: what is echoed in child playlists must be the same URL."""
    found: dict[str, str] = {}
    for parameter in query.split("&") if query else ():
        name, _, value = parameter.partition("=")
        name = _unescaped(name)
        if name not in _MEANT:
            continue
        if name in found:
            raise MalformedPlaylistRequest(f"{name} is there twice; say it once")
        found[name] = value
    return found


def _child_query(asked: dict[str, str]) -> str:
    return "?" + "&".join(f"{name}={asked[name]}" for name in _MEANT if name in asked) if asked else ""


def _instant(name: str, text: str | None) -> int | None:
    """A plus sign stands for itself, as in a path: it is the sign of a time zone here, never a space."""
    if text is None:
        return None
    text = _unescaped(text)
    try:
        return parse_instant(text)
    except MalformedInstant as err:
        raise _malformed(name, text, str(err)) from err


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: bytes.fromhex(match[0].replace("%", "")).decode(errors="replace"), text)


def _malformed(name: str, text: str, sentence: str) -> MalformedPlaylistRequest:
    return MalformedPlaylistRequest(f"{name}={text!r:.60} {sentence}")


def _check(start: int | None, end: int | None) -> None:
    if start is None or end is None:
        return
    if end <= start:
        raise MalformedPlaylistRequest("end must lie behind start")
    if end - start > WINDOW_MAX:
        raise MalformedPlaylistRequest("a window is 24 h long at most: bring start and end closer together")
