"""The file that ``understudy export`` writes: a channel's configuration and its part of both logs, as JSON lines, gzip.

One line for the configuration, then one for each message: of ARRIVALS as the decision core reads it, of PROGRAM as
it stands. Passwords are left out. A file can be attached to a bug report, and explained far from the stack it is of.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from understudy_domain import codec, keys, ticks
from understudy_domain.channel import Channel, OriginEndpoint
from understudy_domain.entry import ProgramEntry
from understudy_domain.errors import MalformedKey, MalformedRecord
from understudy_domain.replay import LoggedFact
from understudy_local.errors import ExportUnusable
from understudy_runtime.channel_log import decoded, logged_facts
from understudy_runtime.messages import StoredMessage

TYPE: Final = "understudy.export"
VERSION: Final = 1


@dataclass(frozen=True, slots=True)
class Export:
    """A channel and what its logs hold of it."""

    exported_at: int
    """Ticks since the epoch."""
    channel: Channel
    origin_endpoints: tuple[OriginEndpoint, ...]
    arrivals: tuple[StoredMessage, ...]
    program: tuple[StoredMessage, ...]

    def log(self) -> list[LoggedFact]:
        """ARRIVALS, as the core takes it."""
        return logged_facts(list(self.arrivals))

    def entries(self, endpoint_guid: str) -> list[ProgramEntry]:
        """An endpoint's entries."""
        mine = [one for one in self.program if keys.parse_program_subject(one.subject)[1] == endpoint_guid]
        return decoded(ProgramEntry, mine)


def write_export(export: Export, output: Path) -> None:
    """Write ``output``.

    Raises:
        ExportUnusable: it cannot be written.
    """
    try:
        with gzip.open(output, "wt", encoding="utf-8", compresslevel=6) as file:
            for line in _lines(export):
                file.write(json.dumps(line, separators=(",", ":"), ensure_ascii=False))
                file.write("\n")
    except OSError as err:
        raise ExportUnusable(f"{output} cannot be written: {err.strerror}.") from err


def _lines(export: Export) -> Iterator[dict[str, Any]]:
    ingest_endpoints = tuple(replace(one, password="", former=None) for one in export.channel.ingest_endpoints)
    # The digest of a declaration is of its passwords too.
    channel = replace(export.channel, ingest_endpoints=ingest_endpoints, declared=None)
    yield {
        "type": TYPE,
        "version": VERSION,
        "exported_at": ticks.to_iso8601(export.exported_at),
        "instant": export.exported_at,
        "channel": _plain(codec.encode(channel)),
        "origin_endpoints": [_plain(codec.encode(endpoint)) for endpoint in export.origin_endpoints],
    }
    for log, messages in ((keys.ARRIVALS_STREAM, export.arrivals), (keys.PROGRAM_STREAM, export.program)):
        for message in messages:
            yield {
                "log": log,
                "sequence": message.sequence,
                "instant": message.instant,
                "subject": message.subject,
                "record": _plain(message.payload),
            }


def _plain(payload: bytes) -> Any:
    """A record as JSON; what does not parse is kept as text, so that it is seen that there was something."""
    try:
        return json.loads(payload)
    except ValueError:
        return payload.decode(errors="replace")


def read_export(path: Path) -> Export:
    """Read what ``write_export`` wrote.

    Raises:
        ExportUnusable: there is no such file, or it is none, or of a newer release.
    """
    try:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            head = json.loads(file.readline())
            if head["type"] != TYPE or head["version"] > VERSION:
                raise ExportUnusable(f"{path} is no export that this release reads.")
            logs: dict[str, list[StoredMessage]] = {keys.ARRIVALS_STREAM: [], keys.PROGRAM_STREAM: []}
            for line in file:
                message = json.loads(line)
                logs[message["log"]].append(_message(message))
            export = Export(
                exported_at=head["instant"],
                channel=codec.decode_as(Channel, _payload(head["channel"])),
                origin_endpoints=tuple(
                    codec.decode_as(OriginEndpoint, _payload(one)) for one in head["origin_endpoints"]
                ),
                arrivals=tuple(logs[keys.ARRIVALS_STREAM]),
                program=tuple(logs[keys.PROGRAM_STREAM]),
            )
            for message in export.program:
                keys.parse_program_subject(message.subject)
            return export
    except FileNotFoundError as err:
        raise ExportUnusable(f"there is no file {path}.") from err
    except (OSError, EOFError, ValueError, KeyError, TypeError, MalformedRecord, MalformedKey) as err:
        raise ExportUnusable(f"{path} is no export, or damaged.") from err


def _message(line: dict[str, Any]) -> StoredMessage:
    return StoredMessage(str(line["subject"]), int(line["sequence"]), int(line["instant"]), _payload(line["record"]), 0)


def _payload(record: Any) -> bytes:
    """The bytes that ``codec`` wrote: compact, in the same order."""
    if isinstance(record, str):
        return record.encode()
    return json.dumps(record, separators=(",", ":"), ensure_ascii=False).encode()
