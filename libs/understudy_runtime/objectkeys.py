"""The keys of the media bucket, listed and removed by the thousand; never the bytes. For retention.

Through obstore and not boto3: a thousand keys cost an event loop 1 ms instead of 100, and nothing of
it holds the interpreter while others have deadlines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError

from understudy_domain import ticks
from understudy_domain.retention import KEYS_MAX, StoredObject
from understudy_runtime.errors import StorageUnavailable
from understudy_runtime.s3 import open_store
from understudy_runtime.s3_trouble import sentence
from understudy_runtime.settings import CommonSettings

if TYPE_CHECKING:
    from obstore import ObjectMeta


class ObjectKeys:
    """Lists and removes. One per process: it pools connections."""

    def __init__(self, settings: CommonSettings) -> None:
        self._store = open_store(settings)

    async def first(self, prefix: str, *, after: str | None = None) -> list[StoredObject]:
        """The first objects whose keys begin with ``prefix``, where given after a key; sorted, ``KEYS_MAX`` at most.

        Raises:
            StorageUnavailable: no answer, or an error.
        """
        try:
            async for page in self._store.list(prefix=prefix, offset=after, chunk_size=KEYS_MAX):
                return [_stored(one) for one in page]
        except (BaseError, OSError) as err:
            raise StorageUnavailable(f"{prefix} could not be listed: {sentence(err)}") from err
        return []

    async def remove(self, keys: Sequence[str]) -> None:
        """Remove these objects, ``KEYS_MAX`` at most; one that is not there is no error.

        Raises:
            StorageUnavailable: no answer, or an error: some may be removed all the same.
        """
        try:
            await self._store.delete_async(keys)
        except FileNotFoundError:
            return
        except (BaseError, OSError) as err:
            raise StorageUnavailable(f"{len(keys)} objects could not be removed: {sentence(err)}") from err


def _stored(one: ObjectMeta) -> StoredObject:
    return StoredObject(one["path"], one["size"], ticks.from_datetime(one["last_modified"]))
