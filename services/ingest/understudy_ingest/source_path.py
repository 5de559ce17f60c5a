"""Names in playlists, resolved to paths under their input URL."""

from __future__ import annotations

from urllib.parse import unquote, urlsplit

from understudy_domain import keys
from understudy_domain.errors import MalformedKey
from understudy_ingest.errors import ForeignPath


def resolve(uri: str, *, playlist: keys.IngestPath | keys.OldIngestPath) -> str:
    """The path under the input URL that ``uri`` means in ``playlist``; a query is ignored, as it is in uploads.

    An absolute path is one in the form in which the playlist itself was sent.

    Raises:
        ForeignPath: it leads elsewhere.
    """
    try:
        parts = urlsplit(uri)
    except ValueError as err:
        raise _foreign(uri) from err
    path = unquote(parts.path)
    prefix = playlist.folder
    if not path.startswith("/"):
        if parts.scheme or parts.netloc:
            raise _foreign(uri)
        folder = playlist.name.rpartition("/")[0]
        path = f"{prefix}{folder}/{path}" if folder else prefix + path
    resolved = _without_dots(path)
    if resolved is None or not resolved.startswith(prefix):
        raise _foreign(uri)
    try:
        return keys.parse_ingest_path(resolved).name
    except MalformedKey as err:
        raise _foreign(uri) from err


def _foreign(uri: str) -> ForeignPath:
    return ForeignPath(
        f"the playlist names {uri!r:.200}, which is not under its input URL: list what is uploaded, by relative names"
    )


def _without_dots(path: str) -> str | None:
    kept: list[str] = []
    for part in path.split("/"):
        if part == "..":
            if len(kept) <= 1:
                return None
            kept.pop()
        elif part != ".":
            kept.append(part)
    return "/".join(kept)
