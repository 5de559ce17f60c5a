"""Index pages, written: for the controller, which reads and writes no other objects."""

from __future__ import annotations

from obstore.exceptions import AlreadyExistsError, BaseError

from understudy_domain.keys import IndexPageKey
from understudy_runtime.errors import StorageUnavailable
from understudy_runtime.s3 import open_store
from understudy_runtime.s3_trouble import sentence
from understudy_runtime.settings import CommonSettings

_CONTENT_TYPE = "application/octet-stream"


class PageStore:
    """One per process: it pools connections."""

    def __init__(self, settings: CommonSettings) -> None:
        self._store = open_store(settings)

    async def create(self, key: IndexPageKey, payload: bytes) -> bool:
        """Store a page unless it is there; whether it was not. What a key has once stays as it is.

        Raises:
            StorageUnavailable: it is not known to be stored.
        """
        name = key.render()
        try:
            await self._store.put_async(
                name, payload, attributes={"Content-Type": _CONTENT_TYPE}, mode="create", use_multipart=False
            )
        except AlreadyExistsError:
            return False
        except (BaseError, OSError) as err:
            raise StorageUnavailable(f"{name} could not be stored: {sentence(err)}") from err
        return True
