"""Administration of the object storage: bucket, listing, removal. boto3, in threads; never in the path of the bytes."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from understudy_runtime.errors import StorageUnavailable
from understudy_runtime.settings import CommonSettings

T = TypeVar("T")

_ALREADY_THERE = ("BucketAlreadyOwnedByYou", "BucketAlreadyExists")
_DELETE_BATCH = 1000


class ObjectAdmin:
    """Administration of the media bucket."""

    def __init__(self, settings: CommonSettings) -> None:
        self._bucket = settings.s3_bucket
        self._region = settings.s3_region
        secret = settings.s3_secret_access_key
        self._client: Any = boto3.client(
            "s3",
            endpoint_url=settings.s3_endpoint_url,
            region_name=settings.s3_region,
            aws_access_key_id=settings.s3_access_key_id,
            aws_secret_access_key=None if secret is None else secret.get_secret_value(),
            verify=None if settings.s3_tls_ca_file is None else str(settings.s3_tls_ca_file),
            config=Config(
                signature_version="s3v4",
                s3={"addressing_style": settings.s3_addressing_style},
                connect_timeout=2,
                read_timeout=settings.s3_timeout_seconds,
                retries={"max_attempts": 1},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    async def ensure_bucket(self) -> None:
        """Create the bucket unless it is there.

        Raises:
            StorageUnavailable: no answer, or a refusal.
        """
        await self._in_thread(self._ensure_bucket)

    async def list_keys(self, prefix: str, *, limit: int | None = None) -> list[str]:
        """The keys that begin with ``prefix``, sorted, at most ``limit`` of them.

        Raises:
            StorageUnavailable: no answer, or a refusal.
        """
        return await self._in_thread(lambda: self._list_keys(prefix, limit))

    async def delete_prefix(self, prefix: str) -> int:
        """Remove every object whose key begins with ``prefix``; returns how many.

        Raises:
            StorageUnavailable: no answer, or a refusal.
            ValueError: the prefix is empty, which would be everything.
        """
        if not prefix:
            raise ValueError("an empty prefix would remove everything")
        return await self._in_thread(lambda: self._delete_prefix(prefix))

    async def _in_thread(self, work: Callable[[], T]) -> T:
        try:
            return await asyncio.to_thread(work)
        except (BotoCoreError, ClientError) as err:
            raise StorageUnavailable(f"the storage: {err}") from err

    def _ensure_bucket(self) -> None:
        try:
            self._client.head_bucket(Bucket=self._bucket)
        except ClientError as err:
            if err.response["ResponseMetadata"]["HTTPStatusCode"] != 404:
                raise
            self._create_bucket()

    def _create_bucket(self) -> None:
        # AWS takes every region but its first as a location.
        location = {} if self._region == "us-east-1" else {"LocationConstraint": self._region}
        try:
            if location:
                self._client.create_bucket(Bucket=self._bucket, CreateBucketConfiguration=location)
            else:
                self._client.create_bucket(Bucket=self._bucket)
        except ClientError as err:
            if err.response["Error"]["Code"] not in _ALREADY_THERE:
                raise

    def _pages(self, prefix: str) -> Iterator[list[str]]:
        paginator = self._client.get_paginator("list_objects_v2")
        for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix):
            yield [item["Key"] for item in page.get("Contents", ())]

    def _list_keys(self, prefix: str, limit: int | None) -> list[str]:
        found: list[str] = []
        for page in self._pages(prefix):
            found += page
            if limit is not None and len(found) >= limit:
                return found[:limit]
        return found

    def _delete_prefix(self, prefix: str) -> int:
        removed = 0
        for page in self._pages(prefix):
            for at in range(0, len(page), _DELETE_BATCH):
                batch = [{"Key": key} for key in page[at : at + _DELETE_BATCH]]
                answer = self._client.delete_objects(Bucket=self._bucket, Delete={"Objects": batch, "Quiet": True})
                if answer.get("Errors"):
                    raise StorageUnavailable(f"the storage kept {answer['Errors'][0]}")
                removed += len(batch)
        return removed
