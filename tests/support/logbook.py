"""What a stack has written down: facts in ARRIVALS, entries in PROGRAM, objects in S3, read with plain clients."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

import boto3
import nats
from botocore.config import Config
from nats.errors import TimeoutError as NatsTimeout
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from support.whereabouts import Whereabouts
from understudy_domain import codec
from understudy_domain.entry import ProgramEntry
from understudy_domain.facts import SegmentArrived

_BATCH = 500


@dataclass(frozen=True, slots=True)
class Logged:
    """One message of a log."""

    sequence: int
    subject: str
    payload: bytes
    at: float
    """When it was stored, by the log's clock, seconds since the epoch."""


def program_messages(stack: Whereabouts, endpoint_guid: str) -> list[Logged]:
    """All entries of an origin endpoint, as they are stored."""
    return messages(stack, "PROGRAM", f"program.*.{endpoint_guid}")


def messages(stack: Whereabouts, stream: str, subject: str) -> list[Logged]:
    """All that a log holds of a subject, wildcards and all."""
    return asyncio.run(_read(stack.nats_url, stream, subject))


def program_entries(messages: list[Logged]) -> list[ProgramEntry]:
    """The same, decoded."""
    return [codec.decode_as(ProgramEntry, message.payload) for message in messages]


def segment_facts(stack: Whereabouts, channel_guid: str, input_id: int) -> list[SegmentArrived]:
    """Every segment that ingest says is stored of one input, in log order."""
    found = messages(stack, "ARRIVALS", f"arrivals.*.{channel_guid}.{input_id}")
    facts = [codec.decode(message.payload) for message in found]
    return [fact for fact in facts if isinstance(fact, SegmentArrived)]


class MediaObjects:
    """The objects of a stack's media bucket."""

    def __init__(self, stack: Whereabouts) -> None:
        credentials = stack.credentials
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=stack.s3_url,
            aws_access_key_id=credentials.access_key_id,
            aws_secret_access_key=credentials.secret_access_key,
            region_name=credentials.region,
            config=Config(s3={"addressing_style": "path"}),
        )

    def read(self, key: str) -> bytes:
        """The bytes of one object."""
        body: bytes = self._client.get_object(Bucket="media", Key=key)["Body"].read()
        return body


async def _read(nats_url: str, stream: str, subject: str) -> list[Logged]:
    connection = await nats.connect(nats_url, connect_timeout=5)
    try:
        jetstream = connection.jetstream()
        config = ConsumerConfig(ack_policy=AckPolicy.NONE, deliver_policy=DeliverPolicy.ALL, mem_storage=True)
        subscription = await jetstream.pull_subscribe(subject, stream=stream, config=config)
        waiting = (await subscription.consumer_info()).num_pending or 0
        logged: list[Logged] = []
        while len(logged) < waiting:
            try:
                batch = await subscription.fetch(min(_BATCH, waiting - len(logged)), timeout=5)
            except NatsTimeout:
                break
            logged += [
                Logged(one.metadata.sequence.stream, one.subject, one.data, one.metadata.timestamp.timestamp())
                for one in batch
            ]
        await subscription.unsubscribe()
        return logged
    finally:
        await connection.close()
