"""The bus: NATS JetStream. Publishing with bounded acknowledgement, and reading logs in order, whatever happens.

The one connection of a process reconnects for ever. Library errors stop here: callers see ``BusUnavailable`` (try
again), ``BusRefused`` (never mind) or ``WrongLastSequence`` (somebody else was first).
"""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any

import nats.errors
import nats.js.errors
from nats.js import JetStreamContext

from understudy_domain import json_text
from understudy_runtime import clock
from understudy_runtime.client import DirectClient
from understudy_runtime.connection import Connection
from understudy_runtime.errors import BusRefused, BusUnavailable, WrongLastSequence
from understudy_runtime.messages import StoredMessage, instant_of_rfc3339
from understudy_runtime.ordered import OrderedReader
from understudy_runtime.replies import ConnectionLost, NobodyAnswers
from understudy_runtime.settings import CommonSettings
from understudy_runtime.streams import ensure_streams

_RETRY_SECONDS = 0.1

_WRONG_LAST_SEQUENCE_CODES = (10071, 10164)
_NOT_FOUND_CODES = (10037,)
_STREAM_NOT_FOUND_CODE = 10059
_SERVER_ERROR = 500


class Bus:
    """One process's connection to NATS. Made by ``connect``."""

    def __init__(self, settings: CommonSettings, *, name: str) -> None:
        self._settings = settings
        self._timeout_seconds = settings.nats_timeout_seconds
        self._readers: set[OrderedReader] = set()
        self._on_connection: list[Callable[[bool], None]] = []
        self._streams_trouble: str | None = None
        self._connection = Connection(settings, name=name, on_change=self._connection_changed)

    # --- connection ---------------------------------------------------------------------------------------------------

    @property
    def nc(self) -> DirectClient:
        """The library's client of the moment; it may be replaced by another. For what this class does not offer."""
        return self._connection.client

    @property
    def js(self) -> JetStreamContext:
        """The library's JetStream context of the moment."""
        return self.nc.jetstream(timeout=self._timeout_seconds)

    @property
    def is_connected(self) -> bool:
        """Whether the connection stands right now."""
        return self._connection.is_connected

    @property
    def trouble(self) -> str | None:
        """Why the connection does not stand, or the streams are not there, in a sentence; None: nothing is known."""
        found = self._connection.trouble or self._streams_trouble
        return None if found is None else f"NATS: {found}"

    def gather(self) -> None:
        """Let what comes wait for moments, the longer the more comes, and read it together: for who reads very much."""
        self._connection.gather()

    def on_connection(self, callback: Callable[[bool], None]) -> None:
        """Have ``callback(connected)`` called whenever the connection is lost or made again."""
        self._on_connection.append(callback)

    async def open(self) -> None:
        """Connect; returns once NATS answers, however long that takes."""
        await self._connection.open()

    async def close(self) -> None:
        """Close the connection; what was published and not acknowledged may be lost."""
        await self._connection.close()

    def _connection_changed(self, connected: bool) -> None:
        for callback in self._on_connection:
            callback(connected)
        if connected:
            for reader in self._readers:
                reader.restart()

    # --- streams ------------------------------------------------------------------------------------------------------

    async def ensure_streams(self) -> None:
        """Create the streams and KV buckets, or bring them up to date; waits until NATS answers.

        Several processes may do so at once.
        """
        await ensure_streams(self, replicas=self._settings.nats_replicas, on_trouble=self._have_trouble)

    def _have_trouble(self, sentence: str | None) -> None:
        self._streams_trouble = sentence

    async def last_sequence(self, stream: str) -> int:
        """The sequence of the newest message ever stored in ``stream``, 0 where there was none.

        Raises:
            BusUnavailable: no answer in time.
        """
        answer = await self.api_request(f"STREAM.INFO.{stream}", repeatable=True)
        return int(answer["state"]["last_seq"])

    async def subjects(self, stream: str, subjects_filter: str) -> dict[str, int]:
        """The subjects that match and that ``stream`` holds messages of, each with how many.

        Raises:
            BusUnavailable: no answer in time.
        """
        found: dict[str, int] = {}
        while True:
            request = json.dumps({"subjects_filter": subjects_filter, "offset": len(found)}).encode()
            answer = await self.api_request(f"STREAM.INFO.{stream}", request, repeatable=True)
            page = answer["state"].get("subjects") or {}
            found.update(page)
            if not page or len(found) >= answer.get("total", 0):
                return found

    # --- writing ------------------------------------------------------------------------------------------------------

    async def publish(
        self,
        subject: str,
        payload: bytes,
        *,
        message_id: str | None = None,
        expected_last_subject_sequence: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> int:
        """Store a message; returns its stream sequence once it is acknowledged.

        Many may be in flight at once. Within ``nats_timeout_seconds`` in all it waits for a connection, and tries again
        where that cannot store the message twice: where nobody took it, or it has a message id.

        Args:
            subject: where to.
            payload: up to 1 MB.
            message_id: within the stream's duplicate window, a second message of this id is acknowledged, not stored.
            expected_last_subject_sequence: store only if this is the sequence of the subject's last message (0: none).
            headers: further NATS headers.

        Raises:
            BusUnavailable: no acknowledgement in time; it may be stored all the same.
            WrongLastSequence: the subject's last message is another.
            BusRefused: it will never be stored: too large, or no stream takes the subject so.
        """
        sent = dict(headers) if headers else {}
        if message_id is not None:
            sent["Nats-Msg-Id"] = message_id
        if expected_last_subject_sequence is not None:
            sent["Nats-Expected-Last-Subject-Sequence"] = str(expected_last_subject_sequence)
        repeatable = message_id is not None and expected_last_subject_sequence is None
        answer = await self._request(subject, payload, headers=sent or None, repeatable=repeatable)
        return int(answer["seq"])

    async def purge(self, stream: str, subject: str, *, before_sequence: int | None = None) -> int:
        """Remove the messages of ``subject`` (wildcards allowed), all or those before a sequence; returns how many.

        Sequences are never used again, and the others' stay as they are.

        Raises:
            BusUnavailable: no answer in time; they may be removed all the same.
        """
        request: dict[str, Any] = {"filter": subject}
        if before_sequence is not None:
            request["seq"] = before_sequence
        answer = await self.api_request(f"STREAM.PURGE.{stream}", json.dumps(request).encode(), repeatable=True)
        return int(answer["purged"])

    # --- reading ------------------------------------------------------------------------------------------------------

    async def last_message(self, stream: str, subject: str) -> StoredMessage | None:
        """The newest message of ``subject`` as the stream's leader has it, or None.

        Raises:
            BusUnavailable: no answer in time.
        """
        request = json.dumps({"last_by_subj": subject}).encode()
        try:
            answer = await self.api_request(f"STREAM.MSG.GET.{stream}", request, repeatable=True)
        except _NothingThere:
            return None
        message = answer["message"]
        return StoredMessage(
            subject=message["subject"],
            sequence=message["seq"],
            instant=instant_of_rfc3339(message["time"]),
            payload=base64.b64decode(message.get("data", "")),
            pending=0,
            header_block=base64.b64decode(message.get("hdrs", "")) or None,
        )

    def messages(
        self,
        stream: str,
        filter_subjects: str | Sequence[str],
        *,
        start_sequence: int | None = None,
        start_time: int | None = None,
    ) -> AsyncGenerator[StoredMessage, None]:
        """The messages of a log in order, for ever, each once: across reconnects and restarts of the server.

        Starts at ``start_sequence``, or at the first message stamped at or after ``start_time`` (ticks since the
        epoch), or at the log's beginning. What has been removed from the log is not waited for. Close the generator
        (``aclosing``) or let its task end to stop.

        Raises:
            LogTruncated: the log now ends before the last message it gave.
        """
        reader = self.reader(stream, filter_subjects, start_sequence=start_sequence, start_time=start_time)
        return reader.messages()

    def reader(
        self,
        stream: str,
        filter_subjects: str | Sequence[str],
        *,
        start_sequence: int | None = None,
        start_time: int | None = None,
        from_last: bool = False,
    ) -> OrderedReader:
        """What is behind ``messages``, for whoever needs to know its position or wants batches.

        ``from_last``: where nothing else says where to begin, with the last message of each subject.
        """
        subjects = (filter_subjects,) if isinstance(filter_subjects, str) else tuple(filter_subjects)
        return OrderedReader(
            self, stream, subjects, start_sequence=start_sequence, start_time=start_time, from_last=from_last
        )

    async def fetch(
        self,
        stream: str,
        subject: str,
        *,
        first_sequence: int | None = None,
        start_time: int | None = None,
        limit: int | None = None,
    ) -> list[StoredMessage]:
        """What ``stream`` holds of ``subject`` now, oldest first, from ``first_sequence`` or ``start_time`` on.

        At most ``limit`` messages, where given. Waits for NATS however long it takes: bound it where that matters.
        """
        reader = self.reader(stream, subject, start_sequence=first_sequence, start_time=start_time)
        return await reader.read_present(limit=limit)

    # --- for the modules beside this one ------------------------------------------------------------------------------

    def attach(self, reader: OrderedReader) -> None:
        """Have ``reader`` restarted upon each reconnect."""
        self._readers.add(reader)

    def detach(self, reader: OrderedReader) -> None:
        """Forget ``reader``."""
        self._readers.discard(reader)

    async def api_request(self, subject: str, payload: bytes = b"", *, repeatable: bool = False) -> dict[str, Any]:
        """One request to the JetStream API, ``subject`` without its prefix.

        ``repeatable``: it does no harm twice, so ask again when the connection is lost under it.

        Raises:
            BusUnavailable: no answer in time.
            BusRefused: an error that trying again does not mend.
        """
        return await self._request(f"$JS.API.{subject}", payload, headers=None, repeatable=repeatable)

    async def _request(
        self, subject: str, payload: bytes, *, headers: dict[str, str] | None, repeatable: bool
    ) -> dict[str, Any]:
        deadline = clock.monotonic() + self._timeout_seconds
        while True:
            remaining = deadline - clock.monotonic()
            if remaining <= 0:
                raise BusUnavailable(f"NATS gave no answer within {self._timeout_seconds:g} s")
            try:
                async with asyncio.timeout(remaining):
                    replies = await self._connection.replies()
                    payload_of_answer = await replies.request(subject, payload, headers=headers)
            except NobodyAnswers:
                # JetStream is not up yet, or without a leader: nobody has seen the message, so it is safe to repeat.
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            except ConnectionLost as err:
                if repeatable:
                    continue
                raise BusUnavailable("the connection to NATS was lost before it answered") from err
            except nats.errors.MaxPayloadError as err:
                raise BusRefused(f"a message of {len(payload)} bytes is too large for NATS") from err
            except TimeoutError as err:
                raise BusUnavailable(f"NATS gave no answer within {self._timeout_seconds:g} s") from err
            except (nats.errors.Error, OSError) as err:
                raise BusUnavailable(f"NATS: {str(err) or type(err).__name__}") from err
            answer: dict[str, Any] = json_text.parsed(payload_of_answer)
            if "error" in answer:
                raise _api_error(subject, answer["error"])
            return answer


class _NothingThere(BusRefused):
    """No message of that subject."""


def _api_error(subject: str, error: Mapping[str, Any]) -> Exception:
    sentence = f"{subject}: {error.get('description', 'unknown error')}"
    if error.get("err_code") in _WRONG_LAST_SEQUENCE_CODES:
        return WrongLastSequence(sentence)
    if error.get("err_code") in _NOT_FOUND_CODES:
        return _NothingThere(sentence)
    # A stream that is missing is one that nobody has created yet, or that the server is still recovering.
    if error.get("code", 0) >= _SERVER_ERROR or error.get("err_code") == _STREAM_NOT_FOUND_CODE:
        return BusUnavailable(sentence)
    return BusRefused(sentence)


async def connect(settings: CommonSettings, *, name: str) -> Bus:
    """A connected bus; waits for NATS however long it takes, and says so in the log.

    ``name`` is what NATS calls this connection (``ingest``, …).
    """
    bus = Bus(settings, name=name)
    await bus.open()
    return bus
