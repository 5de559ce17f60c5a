"""What one input's playlists tell: which rendition a segment belongs to, its program date time, its marks.

A segment takes its place in time by its probe; a playlist only names its rendition. Encoders upload the segment first,
so waiting for the playlist would add its delay to every segment: once a playlist has listed two names that differ in
nothing but their counter, further names of that form are known to be its own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from understudy_domain.facts import MultivariantArrived, PlaylistArrived

LINES_KEPT = 64
PLAYLISTS_KEPT = 64
"""Playlists of one input that are remembered, the last read: encoders may put a date into each life's names."""
FORMS_KEPT = 128
"""Forms of names that are remembered, the last listed: names of random digits or with the time have ever new ones."""
OVERTAKEN_LINES = 5
"""By so many numbers a playlist may be behind one that was sent after it."""
NAMES_TO_TRUST = 2
"""Different names of one form that a playlist must have listed before the form alone is trusted."""

_LAST_DIGITS = re.compile(r"[^\d/]*(\d+)")
"""In a path read from the right, as an encoder may give a name as many runs of digits as it likes."""


def name_form(path: str) -> str:
    """A path with the last run of digits of its file name replaced: what the names of one rendition share."""
    run = _LAST_DIGITS.match(path[::-1])
    if run is None:
        return path
    return path[: len(path) - run.end(1)] + "#" + path[len(path) - run.start(1) :]


@dataclass(slots=True)
class ListedSegment:
    """What a playlist says of a segment."""

    program_date_time: int | None
    gap: bool


@dataclass(slots=True)
class NameForm:
    """Who lists names of one form, and how many different ones have been seen (up to what is needed)."""

    playlist: str | None
    """None once two playlists have listed it: it tells nothing."""
    names: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Sources:
    """The playlists of one input, as last told."""

    multivariant: MultivariantArrived | None = None
    lines: dict[str, dict[str, ListedSegment]] = field(default_factory=dict)
    """By playlist path, by segment path: lines whose segment has not been seen yet."""
    forms: dict[str, NameForm] = field(default_factory=dict)
    ended: list[str] = field(default_factory=list)
    """Playlists that carry EXT-X-ENDLIST."""
    newest_sequence: dict[str, int] = field(default_factory=dict)
    """By playlist: the highest of the encoder's own numbers that it has listed."""

    def read_playlist(self, fact: PlaylistArrived) -> bool:
        """Take in what is new in a media playlist.

        Returns:
            Whether it is of another life of its encoder: it had ended and goes on, or counts from the start.
        """
        lines = self.lines[fact.path] = self.lines.pop(fact.path, {})
        for line in fact.lines:
            lines[line.path] = ListedSegment(line.program_date_time, line.gap)
            self._learn_form(fact.path, line.path)
        begins_anew = self._count(fact)
        _keep_newest(lines, LINES_KEPT)
        _keep_newest(self.lines, PLAYLISTS_KEPT)
        if fact.ended:
            self.end(fact.path)
        else:
            self.go_on(fact.path)
        if self.ended:
            self.ended = [playlist for playlist in self.ended if playlist in self.lines]
        return begins_anew

    def _count(self, fact: PlaylistArrived) -> bool:
        """Keep the encoder's own numbers; whether they begin anew. What is a few behind was overtaken on its way."""
        if not fact.lines:
            return False
        newest = max([line.source_sequence for line in fact.lines])
        known = self.newest_sequence.pop(fact.path, newest)
        begins_anew = (not fact.ended and fact.path in self.ended) or newest < known - OVERTAKEN_LINES
        self.newest_sequence[fact.path] = newest if begins_anew else max(newest, known)
        _keep_newest(self.newest_sequence, PLAYLISTS_KEPT)
        return begins_anew

    def _learn_form(self, playlist: str, path: str) -> None:
        key = name_form(path)
        known = self.forms.get(key)
        form = NameForm(playlist) if known is None else self.forms.pop(key)
        self.forms[key] = form
        _keep_newest(self.forms, FORMS_KEPT)
        if form.playlist != playlist:
            form.playlist = None
        elif len(form.names) < NAMES_TO_TRUST and path not in form.names:
            form.names.append(path)

    def playlist_of(self, path: str) -> str | None:
        """The playlist that a segment belongs to, or None while none is known to list it."""
        for playlist, lines in self.lines.items():
            if path in lines:
                return playlist
        form = self.forms.get(name_form(path))
        return form.playlist if form is not None and len(form.names) >= NAMES_TO_TRUST else None

    def take_line(self, playlist: str, path: str) -> ListedSegment | None:
        """What the playlist says of a segment, once: an encoder that restarts uses its names again."""
        return self.lines.get(playlist, {}).pop(path, None)

    def end(self, playlist: str) -> None:
        """A playlist carries EXT-X-ENDLIST."""
        if playlist not in self.ended:
            self.ended.append(playlist)

    def go_on(self, playlist: str) -> None:
        """A playlist does not carry it any more, or a segment has come behind its end."""
        if playlist in self.ended:
            self.ended.remove(playlist)


def _keep_newest(remembered: dict[str, Any], count: int) -> None:
    while len(remembered) > count:
        del remembered[next(iter(remembered))]
