"""The lines of a playlist, read one after the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from understudy_domain.errors import NotAPlaylist


def read_lines(lines: Iterable[tuple[int, str]], read: Callable[[str], None]) -> int:
    """Have ``read`` take in each of these numbered lines; returns the number of the last.

    Raises:
        NotAPlaylist: one of them breaks the grammar; the message names it.
    """
    number = 1
    for number, line in lines:
        try:
            read(line)
        except NotAPlaylist as err:
            raise NotAPlaylist(f"line {number}: {err}") from err
    return number
