"""Object bytes, and keys by the thousand, against a real S3 server."""

from __future__ import annotations

import asyncio
import os
import uuid
from pathlib import Path

import httpx
import pytest

from support.object_store import running_s3_server
from support.ports import free_ports
from understudy_domain import ticks
from understudy_runtime import clock
from understudy_runtime.errors import ObjectMissing, StorageUnavailable
from understudy_runtime.objectkeys import ObjectKeys
from understudy_runtime.objectstore import ObjectStore
from understudy_runtime.settings import CommonSettings


@pytest.fixture
def store(settings: CommonSettings) -> ObjectStore:
    return ObjectStore(settings)


@pytest.fixture
def prefix() -> str:
    """Of this test's own objects."""
    return f"test/{uuid.uuid4().hex}/"


async def test_an_object_is_read_as_it_was_stored(store: ObjectStore, prefix: str) -> None:
    body = os.urandom(300_000)
    assert await store.put(prefix + "a.ts", body)
    found = await store.get(prefix + "a.ts")
    assert type(found) is bytes
    assert found == body


async def test_buffers_are_stored_one_after_the_other(store: ObjectStore, prefix: str) -> None:
    buffers = [os.urandom(size) for size in (1, 65_536, 0, 6_000_000, 17)]
    await store.put(prefix + "a.ts", buffers)
    assert await store.get(prefix + "a.ts") == b"".join(buffers)


async def test_nothing_at_all_can_be_stored(store: ObjectStore, prefix: str) -> None:
    await store.put(prefix + "empty", b"")
    assert await store.get(prefix + "empty") == b""


async def test_a_missing_object_is_told_apart(store: ObjectStore, prefix: str) -> None:
    with pytest.raises(ObjectMissing):
        await store.get(prefix + "nothing")


async def test_a_deleted_object_is_gone_and_may_be_deleted_again(store: ObjectStore, prefix: str) -> None:
    await store.put(prefix + "a", b"one")
    await store.delete(prefix + "a")
    await store.delete(prefix + "a")
    with pytest.raises(ObjectMissing):
        await store.get(prefix + "a")


async def test_a_storage_that_is_away_is_reported_in_time(settings: CommonSettings) -> None:
    away = settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}"})
    store = ObjectStore(away)
    for attempt in (store.put("a", b""), store.get("a"), store.delete("a")):
        with pytest.raises(StorageUnavailable):
            await attempt


async def test_a_refused_login_is_reported_without_the_secret(settings: CommonSettings) -> None:
    store = ObjectStore(settings.model_copy(update={"s3_access_key_id": "somebody"}))
    with pytest.raises(StorageUnavailable) as caught:
        await store.put("a", b"")
    assert settings.s3_secret_access_key is not None
    assert settings.s3_secret_access_key.get_secret_value() not in str(caught.value)


async def test_a_store_works_again_after_the_storage_was_killed(
    settings: CommonSettings, tmp_path: Path, prefix: str
) -> None:
    with running_s3_server(tmp_path) as server:
        store = ObjectStore(
            CommonSettings(
                s3_endpoint_url=server.url,
                s3_access_key_id=server.access_key_id,
                s3_secret_access_key=server.secret_access_key,
            )
        )
        await store.put(prefix + "before", b"before")
        server.restart()
        assert await store.get(prefix + "before") == b"before"
        await store.put(prefix + "after", b"after")


async def test_a_content_type_is_kept_where_given(store: ObjectStore, settings: CommonSettings, prefix: str) -> None:
    import boto3
    from botocore.config import Config

    await store.put(prefix + "a", b"one", content_type="video/mp2t")
    assert settings.s3_secret_access_key is not None
    client = boto3.client(
        "s3",
        endpoint_url=settings.s3_endpoint_url,
        region_name=settings.s3_region,
        aws_access_key_id=settings.s3_access_key_id,
        aws_secret_access_key=settings.s3_secret_access_key.get_secret_value(),
        config=Config(signature_version="s3v4"),
    )
    url = client.generate_presigned_url("get_object", Params={"Bucket": settings.s3_bucket, "Key": prefix + "a"})
    async with httpx.AsyncClient() as http:
        assert (await http.get(url)).headers["content-type"] == "video/mp2t"


async def test_keys_are_listed_in_order_and_removed_by_the_thousand(
    settings: CommonSettings, store: ObjectStore, prefix: str
) -> None:
    before, object_keys = clock.now_ticks(), ObjectKeys(settings)
    names = [f"{prefix}{number:04d}" for number in range(1030)]
    await asyncio.gather(*(store.put(name, b"12") for name in names))
    listed = await object_keys.first(prefix)
    assert [one.key for one in listed] == names[:1000]
    assert all(one.size == 2 and one.modified_at > before - 5 * ticks.TICKS_PER_SECOND for one in listed)
    await object_keys.remove([*names[:990], prefix + "never there"])
    assert [one.key for one in await object_keys.first(prefix, after=names[999])] == names[1000:]
    assert [one.key for one in await object_keys.first(prefix)] == names[990:]
    await object_keys.remove(names[990:])
    assert await object_keys.first(prefix) == []


async def test_keys_of_a_storage_that_is_away_are_neither_listed_nor_removed(settings: CommonSettings) -> None:
    away = ObjectKeys(settings.model_copy(update={"s3_endpoint_url": f"http://127.0.0.1:{free_ports(1)[0]}"}))
    with pytest.raises(StorageUnavailable):
        await away.first("media/")
    with pytest.raises(StorageUnavailable):
        await away.remove(["media/one"])
