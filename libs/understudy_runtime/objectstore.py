"""Object bytes: S3 through obstore. Retention is ``objectkeys``' affair; the bucket is there before we are.

Requests are tried once more at most: callers hold what they have and try again themselves, with their own bounds.
"""

from __future__ import annotations

from collections.abc import Sequence

from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

from understudy_domain.errors import UnderstudyError
from understudy_runtime.errors import (
    BucketMissing,
    ObjectMissing,
    StorageMisconfigured,
    StorageRefused,
    StorageUnavailable,
)
from understudy_runtime.s3 import open_store
from understudy_runtime.s3_trouble import code_of, hint_of, sentence
from understudy_runtime.settings import CommonSettings


class ObjectStore:
    """The media bucket. One per process: it pools connections."""

    def __init__(self, settings: CommonSettings) -> None:
        self._store = open_store(settings)

    async def put(
        self, key: str, body: bytes | bytearray | memoryview | Sequence[bytes], *, content_type: str | None = None
    ) -> str:
        """Store an object whole, or not at all; returns its ETag.

        A sequence of buffers is sent one after the other, without being joined before.

        Raises:
            BucketMissing, StorageRefused: it is not stored, and will not be.
            StorageUnavailable: it is not known to be stored.
        """
        attributes = None if content_type is None else {"Content-Type": content_type}
        try:
            result = await self._store.put_async(
                key,
                body if isinstance(body, bytes | bytearray | memoryview) else iter(body),
                attributes=attributes,
                use_multipart=False,
            )
        except (BaseError, OSError) as err:
            raise _failure(f"{key} could not be stored: {sentence(err)}", err) from err
        return result["e_tag"] or ""

    async def check_bucket(self, key: str) -> None:
        """Look whether there is a bucket in which an object of this key could be; whether there is one does not matter.

        Raises:
            BucketMissing: there is none.
            StorageMisconfigured: it is not known, for the key or the region is wrong.
            StorageUnavailable: no answer, or an error.
        """
        try:
            await self._store.get_async(key)
        except (BaseError, OSError) as err:
            failure = _failure(f"the bucket could not be looked at: {sentence(err)}", err)
            if isinstance(failure, StorageMisconfigured):
                raise failure from err
            # Who may write need not be allowed to read.
            if not isinstance(err, PermissionDeniedError | UnauthenticatedError | FileNotFoundError):
                raise failure from err

    async def get(self, key: str) -> bytes:
        """An object's bytes.

        Raises:
            ObjectMissing: there is none of that key.
            StorageUnavailable: no answer, or an error.
        """
        return bytes(await self.get_view(key))

    async def get_view(self, key: str) -> memoryview:
        """An object's bytes where the storage client received them: a copy would cost a quarter of the reading.

        Raises:
            ObjectMissing: there is none of that key.
            StorageUnavailable: no answer, or an error.
        """
        try:
            result = await self._store.get_async(key)
            return memoryview(await result.bytes_async())
        except FileNotFoundError as err:
            raise _missing(key, err) from err
        except (BaseError, OSError) as err:
            raise StorageUnavailable(f"{key} could not be read: {sentence(err)}") from err

    async def delete(self, key: str) -> None:
        """Remove an object; none of that key is no error.

        Raises:
            StorageUnavailable: no answer, or an error.
        """
        try:
            await self._store.delete_async(key)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as err:
            raise StorageUnavailable(f"{key} could not be removed: {sentence(err)}") from err


def _missing(key: str, err: FileNotFoundError) -> UnderstudyError:
    """Without its bucket nothing is known of an object."""
    missing = ObjectMissing(f"the storage has no {key}")
    return _failure("", err) if code_of(err) == "NoSuchBucket" else missing


def _failure(message: str, err: Exception) -> StorageUnavailable:
    """What an error means: S3 often says in its answer what is wrong for good."""
    hint = hint_of(err)
    if code_of(err) == "NoSuchBucket":
        return BucketMissing(f"the storage has no such bucket; {hint}")
    if hint is not None:
        return StorageMisconfigured(f"{message}; {hint}")
    if isinstance(err, PermissionDeniedError | UnauthenticatedError):
        return StorageRefused(message)
    return StorageUnavailable(message)
