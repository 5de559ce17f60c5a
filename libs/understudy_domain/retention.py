"""What may be removed: entries that no window reaches any more, and objects that no entry left can name.

Rules. Each errs on the side of keeping: what goes too late costs a little room, what goes too early a viewer.

1. **Reach** is measured along the entries, as the window is (``availability``): an endpoint whose encoders stopped an
   hour ago still lists its last window. Only available entries count as passed.
2. Behind the longest playlist that the endpoint can show, what has left it stays for that playlist's duration and
   twice its own (RFC 8216, 6.2.2; ``program``).
3. A startover window reaches back from now, to an entry's end by program date time, or to when it became available if
   that is later: dates may run ahead of the clock. Entries that stand in an index page too need not stay for it: the
   page does, and goes when the window no longer reaches its last entry. The last of them stays until the next page is
   made: that page has to say whether the programme ended with it.
4. Beyond its reach everything stays for the margin, along the entries and in time.
5. The newest entry of an endpoint stays whatever its age: the next one is numbered from it.
6. Entries and pages go before the objects that they name. Objects go in order of arrival, up to the oldest one that
   an entry or a page which is left names, and those that the decision core may still publish stay by name.

What is known of a programme is kept in runs of entries, so that days of it take little room. A run goes as a whole.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from understudy_domain import keys
from understudy_domain.availability import LISTED_ENTRIES_MIN, duration_of, playlist_window
from understudy_domain.channel import OriginEndpoint
from understudy_domain.codec import record
from understudy_domain.entry import ProgramEntry
from understudy_domain.ticks import TICKS_PER_SECOND

if TYPE_CHECKING:  # who only lists objects need not load the decision core
    from understudy_domain.channel_state import ChannelState

RUNS = 32
"""Into about how many runs what is kept of a programme is divided: by so much of it too much may stay."""


KEYS_MAX = 1_000
"""How many objects S3 lists or removes in one request."""


@dataclass(frozen=True, slots=True)
class PieceKey:
    """Of an ``EntryPiece`` what retention needs."""

    object_key: str


@dataclass(frozen=True, slots=True)
class RenditionKeys:
    """Of an ``EntryRendition`` what retention needs."""

    pieces: tuple[PieceKey, ...]


@dataclass(frozen=True, slots=True)
class EntryOutline:
    """Of a ``ProgramEntry`` what retention needs: a third of the work where a whole programme is read."""

    media_sequence: int
    start: int
    end: int
    program_date_time: int
    available_at: int
    target_duration_seconds: int
    renditions: tuple[RenditionKeys, ...]


@record("snapshot.removed_channel")
@dataclass(frozen=True, slots=True)
class RemovedChannel:
    """SNAPSHOTS: a channel was deleted, and what is left of it is being removed."""

    channel: str
    """Guid."""
    since: int
    """When the removal began, ticks since the epoch."""


def oldest_received_milliseconds(entry: ProgramEntry | EntryOutline) -> int | None:
    """When the first of the objects that an entry names was received, ms since the epoch; None where it names none."""
    found = [
        received
        for rendition in entry.renditions
        for piece in rendition.pieces
        if (received := keys.received_milliseconds(piece.object_key)) is not None
    ]
    return min(found, default=None)


def held_object_keys(state: ChannelState) -> set[str]:
    """The objects that the decision core holds and may still publish, or once could have, whatever their age."""
    found: set[str] = set()
    for one in state.inputs:
        for pieces in one.pieces.values():
            found.update(piece.object_key for piece in pieces)
        found.update(parked.fact.object_key for parked in (*one.unlisted, *one.unplaced))
    return found


@dataclass(slots=True)
class EntryRun:
    """Some entries of one endpoint in a row."""

    first_sequence: int
    """Of its first entry in PROGRAM."""
    entries: int = 0
    duration: int = 0
    """What its entries take up in a window, ticks."""
    available_at: int = 0
    """When its last entry becomes available, ticks since the epoch."""
    reached_until: int = 0
    """When the latest of its entries is available and over, by program date time, ticks since the epoch."""
    first_media_sequence: int | None = None
    """Of its first entry; None where one of its entries does not parse."""
    next_media_sequence: int | None = None
    """Behind its last entry; None as above."""
    first_available_at: int = 0
    """When its first entry becomes available, ticks since the epoch."""
    oldest_received_milliseconds: int | None = None
    """When the first of the objects that it names was received."""

    def name(self, received_milliseconds: int | None) -> None:
        """One of its entries names objects of which the first was received then."""
        known = self.oldest_received_milliseconds
        if received_milliseconds is not None and (known is None or received_milliseconds < known):
            self.oldest_received_milliseconds = received_milliseconds


@dataclass(slots=True)
class Programme:
    """What stands in PROGRAM of one endpoint, oldest first, as far as it has been read."""

    runs: deque[EntryRun] = field(default_factory=deque)
    last_sequence: int = 0
    """In PROGRAM, of the last entry; 0: none has been read."""
    next_media_sequence: int | None = None
    """Of the entry that has to follow; None: none has been read."""
    _longest: int = 0
    """The longest entry seen, ticks."""
    _target_duration_seconds: int = 0
    """The largest one seen."""

    def add(self, entry: ProgramEntry | EntryOutline, sequence: int, *, run_duration: int) -> None:
        """Take a later entry, at ``sequence`` in PROGRAM; runs become ``run_duration`` long (ticks).

        The end of a programme repeats the entry before it, and takes up nothing in a window.
        """
        repeats = self.next_media_sequence == entry.media_sequence + 1
        duration, run = 0 if repeats else duration_of(entry), self._run(sequence, run_duration)
        run.entries += 1
        run.duration += duration
        if run.entries == 1:
            run.first_media_sequence, run.first_available_at = entry.media_sequence, entry.available_at
        run.next_media_sequence = None if run.first_media_sequence is None else entry.media_sequence + 1
        run.available_at = entry.available_at
        run.reached_until = max(run.reached_until, entry.available_at, entry.program_date_time + duration_of(entry))
        run.name(oldest_received_milliseconds(entry))
        self.last_sequence, self.next_media_sequence = sequence, entry.media_sequence + 1
        self._longest = max(self._longest, duration)
        self._target_duration_seconds = max(self._target_duration_seconds, entry.target_duration_seconds)

    def add_unreadable(self, sequence: int, *, run_duration: int) -> None:
        """Take an entry that does not parse here: it may be a newer release's, and name any object."""
        run = self._run(sequence, run_duration)
        run.entries += 1
        run.first_media_sequence = run.next_media_sequence = None
        run.name(0)
        self.last_sequence, self.next_media_sequence = sequence, None

    def _run(self, sequence: int, run_duration: int) -> EntryRun:
        if not self.runs or self.runs[-1].duration >= run_duration:
            before = self.runs[-1].available_at if self.runs else 0
            self.runs.append(EntryRun(sequence, available_at=before, reached_until=before))
        return self.runs[-1]

    def reach(self, endpoint: OriginEndpoint) -> int:
        """How far behind the live edge, along the entries, the endpoint lists or serves anything; ticks.

        Entries to come are taken to be no longer than the longest so far, or the target duration.
        """
        longest = max(self._longest, self._target_duration_seconds * TICKS_PER_SECOND)
        window = playlist_window(endpoint, target_duration_seconds=self._target_duration_seconds)
        listed_max = max(window + longest, LISTED_ENTRIES_MIN * longest)
        return 2 * listed_max + 2 * longest

    def removable(self, endpoint: OriginEndpoint, *, now: int, margin: int, unpaged: int = 0) -> int:
        """How many of the oldest runs may go; never the last one.

        Args:
            endpoint: whose programme it is.
            now: ticks since the epoch.
            margin: ticks.
            unpaged: the media sequence up to which all entries stand in index pages too.
        """
        reach = self.reach(endpoint) + margin
        startover = endpoint.startover_window_seconds * TICKS_PER_SECOND
        passed = sum(run.duration for run in self.runs if run.available_at <= now)
        count = 0
        for run in self.runs:
            # Counted from the run's own end, as if all of it were its last entry.
            passed -= run.duration
            is_paged = run.next_media_sequence is not None and run.next_media_sequence < unpaged
            if passed < reach or run.reached_until > now - margin - (0 if is_paged else startover):
                break
            count += 1
        return count

    def sequence_before(self, media_sequence: int) -> int:
        """A sequence in PROGRAM from which on the entry of a media sequence is found: of the run that holds it."""
        found = 0
        for run in self.runs:
            if run.first_media_sequence is not None and run.first_media_sequence > media_sequence:
                break
            found = run.first_sequence
        return found

    def drop(self, count: int) -> int:
        """Forget the oldest ``count`` runs; returns how many entries those were."""
        return sum(self.runs.popleft().entries for _ in range(count))

    def oldest_received_milliseconds(self) -> int | None:
        """When the first of all objects that its entries name was received; None where they name none."""
        received = (run.oldest_received_milliseconds for run in self.runs)
        return min((one for one in received if one is not None), default=None)


def run_duration_of(endpoint: OriginEndpoint, *, margin: int) -> int:
    """How long an endpoint's runs become, ticks: a small part of what is kept of it in the log."""
    return (endpoint.hls_package.playlist_window_seconds * TICKS_PER_SECOND + margin) // RUNS


def removable_before(
    programmes: Iterable[Programme], *, read_until: int, margin: int, pages: Iterable[keys.IndexPageKey] = ()
) -> int:
    """Up to when a channel's objects have to be received to be removable, ms since the epoch.

    Those that the decision core holds have to be left aside.

    Args:
        programmes: of all of the channel's endpoints, read to their ends.
        read_until: log time up to which the channel's arrivals have been read, ticks since the epoch: what came later
            the decision core does not know yet.
        margin: ticks.
        pages: all index pages of these endpoints.
    """
    bounds = [(read_until - margin) * 1_000 // TICKS_PER_SECOND]
    bounds += [oldest for programme in programmes if (oldest := programme.oldest_received_milliseconds()) is not None]
    bounds += [page.received_milliseconds for page in pages]
    return min(bounds)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as the storage lists it."""

    key: str
    size: int
    modified_at: int
    """By the storage's clock, ticks since the epoch."""


def removable_objects(
    listed: Iterable[StoredObject], *, before_milliseconds: int, modified_before: int, held: set[str]
) -> Iterator[StoredObject]:
    """Of objects in order of their keys those that may go.

    Two clocks have to agree: a key bears the time of whoever received it, and that clock may have been wrong.
    """
    for one in listed:
        received = keys.received_milliseconds(one.key)
        if received is None:
            continue
        if received >= before_milliseconds:
            return
        if one.modified_at < modified_before and one.key not in held:
            yield one
