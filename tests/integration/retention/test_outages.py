"""The storage or NATS being away holds retention up, and nothing else; it goes on by itself."""

from __future__ import annotations

import asyncio
import re
import time
from pathlib import Path

from pydantic import SecretStr

from support.broadcast import metrics
from support.control_process import Controller
from support.deadline import comes_true
from support.nats_server import NatsServer
from support.object_store import running_s3_server
from support.retention import SEGMENT_SECONDS, Studio, both_inputs, controller_settings, create
from understudy_runtime.settings import CommonSettings

SEGMENTS = 80


def errors(controller: Controller) -> float:
    found = re.search(r"^understudy_retention_errors_total (\S+)", metrics(controller), re.MULTILINE)
    assert found is not None
    return float(found[1])


async def test_entries_go_while_the_storage_is_away_and_objects_once_it_is_back(
    tmp_path: Path, nats_server: NatsServer
) -> None:
    with running_s3_server(tmp_path / "s3") as storage:
        settings = CommonSettings(
            nats_url=nats_server.url,
            s3_endpoint_url=storage.url,
            s3_bucket=storage.bucket,
            s3_access_key_id=storage.access_key_id,
            s3_secret_access_key=SecretStr(storage.secret_access_key),
        )
        studio = await Studio.open(settings)
        with Controller(tmp_path, nats_url=nats_server.url, **controller_settings(settings)) as controller:
            channel, guids = await asyncio.to_thread(create, controller, "show", "one")
            t0 = time.time() - SEGMENTS * SEGMENT_SECONDS
            for numbers in (range(40), range(40, SEGMENTS)):
                await studio.deliver(channel, both_inputs(t0, numbers), t0)
            storage.kill()

            async def entries_went() -> bool:
                entries = await studio.entries(channel, guids["one"])
                return len(entries) < 25 and entries[-1].media_sequence >= 38

            await comes_true(entries_went, "entries go without the storage")

            async def said() -> bool:
                return errors(controller) > 0

            await comes_true(said, "it is counted that objects could not go")
            nats_server.restart()
            await asyncio.to_thread(storage.restart)

            async def objects_went() -> bool:
                return len(await studio.objects(channel)) < 100

            await comes_true(objects_went, "objects go as well")
            assert await studio.missing(channel, guids["one"]) == []
            before = errors(controller)
            await asyncio.sleep(2.0)
            assert errors(controller) == before
        await studio.close()
