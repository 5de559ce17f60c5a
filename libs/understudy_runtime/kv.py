"""One KV bucket: compare-and-set on revisions, and an ordered watch. The NATS KV format, so that its tools read it.

Built upon the bus's own publish and ordered reading, not upon the library's watchers, which end without a word when
their consumer is lost.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import NamedTuple

from understudy_runtime.errors import AlreadyExists, NotFound, StaleRevision, WrongLastSequence
from understudy_runtime.jetstream import Bus
from understudy_runtime.messages import StoredMessage
from understudy_runtime.streams import kv_stream, kv_subject

_OPERATION = "KV-Operation"
_DELETED = ("DEL", "PURGE")


class Entry(NamedTuple):
    """A key as it was at one revision."""

    key: str
    value: bytes | None
    """None: deleted."""
    revision: int
    """The sequence in the bucket's stream: rises over all keys."""
    pending: int = 0
    """While watching: how many further entries there were behind it."""
    instant: int = 0
    """While watching: when it was stored, by the server's clock, ticks since the epoch."""


class KeyValue:
    """A KV bucket by name."""

    def __init__(self, bus: Bus, kv_bucket: str) -> None:
        self._bus = bus
        self._kv_bucket = kv_bucket
        self.stream = kv_stream(kv_bucket)
        self._prefix = kv_subject(kv_bucket, "")

    async def get(self, key: str) -> Entry:
        """The key's present value.

        Raises:
            NotFound: it has none.
            BusUnavailable: no answer in time.
        """
        entry = await self._last(key)
        if entry is None or entry.value is None:
            raise NotFound(f"{self._kv_bucket} has no {key}")
        return entry

    async def put(self, key: str, value: bytes) -> int:
        """Set the key, whatever it was; returns the revision.

        Raises:
            BusUnavailable: no acknowledgement in time.
        """
        return await self._bus.publish(self._prefix + key, value)

    async def create(self, key: str, value: bytes) -> int:
        """Set a key that has no value; returns the revision.

        Raises:
            AlreadyExists: it has one.
            BusUnavailable: no acknowledgement in time.
        """
        expected = 0
        while True:
            try:
                return await self._bus.publish(self._prefix + key, value, expected_last_subject_sequence=expected)
            except WrongLastSequence as err:
                last = await self._last(key)
                if last is None or last.value is not None or last.revision == expected:
                    raise AlreadyExists(f"{self._kv_bucket} has {key} already") from err
                expected = last.revision  # a deleted key's marker

    async def update(self, key: str, value: bytes, *, revision: int) -> int:
        """Set a key that is still at ``revision``; returns the new one.

        Raises:
            StaleRevision: it has moved on.
            BusUnavailable: no acknowledgement in time.
        """
        try:
            return await self._bus.publish(self._prefix + key, value, expected_last_subject_sequence=revision)
        except WrongLastSequence as err:
            raise StaleRevision(f"{key} is no longer at revision {revision}") from err

    async def delete(self, key: str, *, revision: int | None = None) -> int:
        """Delete a key, where given only while it is at ``revision``; returns the revision of the deletion.

        Raises:
            StaleRevision: it has moved on.
            BusUnavailable: no acknowledgement in time.
        """
        try:
            return await self._bus.publish(
                self._prefix + key, b"", expected_last_subject_sequence=revision, headers={_OPERATION: _DELETED[0]}
            )
        except WrongLastSequence as err:
            raise StaleRevision(f"{key} is no longer at revision {revision}") from err

    async def purge(self, key: str, *, revision: int | None = None) -> None:
        """Remove a key without the mark that a deletion leaves, where given only up to ``revision``.

        Whoever watches the bucket does not hear of it. The bucket's newest message must not go like that: to ask
        whether one has read everything is to wait for it.

        Raises:
            BusUnavailable: no answer in time.
        """
        before_sequence = None if revision is None else revision + 1
        await self._bus.purge(self.stream, self._prefix + key, before_sequence=before_sequence)

    async def keys(self, keys: str = ">") -> list[str]:
        """The keys that match and of which there is anything, be it the mark of a deletion.

        Raises:
            BusUnavailable: no answer in time.
        """
        found = await self._bus.subjects(self.stream, self._prefix + keys)
        return [subject.removeprefix(self._prefix) for subject in found]

    async def revision_of(self, key: str) -> int | None:
        """The revision of a key, or of its deletion; None where there is neither.

        Raises:
            BusUnavailable: no answer in time.
        """
        entry = await self._last(key)
        return None if entry is None else entry.revision

    async def forget_deleted(self, *, before: int) -> int:
        """Remove the marks of deletions that were made before an instant (ticks since the epoch); returns how many.

        The mark that is the bucket's newest message stays: see ``purge``.

        Raises:
            BusUnavailable: no answer in time.
        """
        newest = await self.last_revision()
        old = [
            entry
            for message in await self._bus.fetch(self.stream, self._prefix + ">")
            if (entry := self.entry(message)).value is None and message.instant < before and entry.revision < newest
        ]
        for entry in old:
            await self.purge(entry.key, revision=entry.revision)
        return len(old)

    async def watch(self, keys: str = ">") -> AsyncGenerator[Entry, None]:
        """Every key that matches, as it is, then every change, in order, for ever.

        Raises:
            LogTruncated: the bucket was replaced by an older one.
        """
        async for message in self._bus.messages(self.stream, self._prefix + keys):
            yield self.entry(message)._replace(instant=message.instant)

    async def last_revision(self) -> int:
        """The newest revision of any key.

        Raises:
            BusUnavailable: no answer in time.
        """
        return await self._bus.last_sequence(self.stream)

    def entry(self, message: StoredMessage) -> Entry:
        """A message of the bucket's stream as an entry."""
        deleted = message.headers.get(_OPERATION) in _DELETED
        key = message.subject.removeprefix(self._prefix)
        return Entry(key, None if deleted else message.payload, message.sequence, message.pending)

    async def _last(self, key: str) -> Entry | None:
        message = await self._bus.last_message(self.stream, self._prefix + key)
        return None if message is None else self.entry(message)
