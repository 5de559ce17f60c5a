"""Playlists that list a whole programme since its start: only what is listed last can be news.

An encoder without a limit to its list (FFmpeg's ``-hls_list_size 0``) sends everything again with every segment: after
a day that is forty thousand lines every two seconds, which nobody else's uploads are to wait for.
"""

from __future__ import annotations

import re

LINES_READ_MAX = 500

_SEGMENT = "\n#EXTINF:"
_ENDLIST = "\n#EXT-X-ENDLIST"
_IN_FORCE = ("\n#EXT-X-KEY:", "\n#EXT-X-MAP:")
_MEDIA_SEQUENCE = re.compile(r"\n#EXT-X-MEDIA-SEQUENCE:[ \t]*(\d{1,18})[ \t\r]*\n")
_URI_LINE = re.compile(r"\n[^#\s][^\n]*")
_OF_THE_WHOLE = re.compile(r"#EXTM3U|#EXT-X-(?:INDEPENDENT-SEGMENTS|PLAYLIST-TYPE|TARGETDURATION|VERSION)")


def newest_lines(text: str, *, lines_max: int = LINES_READ_MAX) -> str:
    """A media playlist without its older segments; each that is left keeps its number, its key and its map.

    A date that would have to be carried on from an older segment is lost. A short text, or one that is no media
    playlist, is returned as it is: to say what is wrong with it is the parser's.
    """
    dropped = text.count(_SEGMENT) - lines_max
    if dropped <= 0:
        return text
    at = len(text)
    for _ in range(lines_max + 1):
        at = text.rfind(_SEGMENT, 0, at)
    last_dropped = _URI_LINE.search(text, at + 1)
    if last_dropped is None:
        return text
    head = text[: text.find(_SEGMENT) + 1]
    first_number = _MEDIA_SEQUENCE.search(head)
    lines = [line for line in head.splitlines() if _OF_THE_WHOLE.match(line)]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{(int(first_number[1]) if first_number else 0) + dropped}")
    if text.find(_ENDLIST, 0, last_dropped.end()) >= 0:
        lines.append(_ENDLIST.strip())  # it may stand anywhere
    for tag in _IN_FORCE:
        found = text.rfind(tag, 0, last_dropped.end())
        if found >= 0:
            lines.append(text[found + 1 :].split("\n", 1)[0])
    return "\n".join(lines) + text[last_dropped.end() :]
