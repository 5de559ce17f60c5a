"""Object bytes: S3 through obstore. Administration (buckets, listing, retention) is ``objectadmin``'s.

Requests are tried once more at most: callers hold what they have and try again themselves, with their own bounds.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import S3Store

from understudy_runtime.errors import ObjectMissing, StorageUnavailable
from understudy_runtime.settings import CommonSettings

if TYPE_CHECKING:
    from obstore.store import ClientConfig, RetryConfig, S3Config

_CONNECT_TIMEOUT = timedelta(seconds=2)
_POOL_IDLE_TIMEOUT = timedelta(seconds=30)
_RETRIES_MAX = 1


class ObjectStore:
    """The media bucket. One per process: it pools connections."""

    def __init__(self, settings: CommonSettings) -> None:
        config: S3Config = {
            "bucket": settings.s3_bucket,
            "region": settings.s3_region,
            # The body is not hashed for the signature: TLS, or the local network, guards it, and hashing costs more
            # than sending.
            "unsigned_payload": True,
            "virtual_hosted_style_request": False,
        }
        if settings.s3_endpoint_url is not None:
            config["endpoint"] = settings.s3_endpoint_url
        if settings.s3_access_key_id is not None and settings.s3_secret_access_key is not None:
            config["access_key_id"] = settings.s3_access_key_id
            config["secret_access_key"] = settings.s3_secret_access_key.get_secret_value()
        timeout = timedelta(seconds=settings.s3_timeout_seconds)
        client_options: ClientConfig = {
            "allow_http": True,
            "connect_timeout": _CONNECT_TIMEOUT,
            "timeout": timeout,
            "pool_idle_timeout": _POOL_IDLE_TIMEOUT,
        }
        retry_config: RetryConfig = {
            "max_retries": _RETRIES_MAX,
            "retry_timeout": timeout,
            "backoff": {
                "init_backoff": timedelta(milliseconds=50),
                "max_backoff": timedelta(milliseconds=200),
                "base": 2,
            },
        }
        self._store = S3Store(config=config, client_options=client_options, retry_config=retry_config)

    async def put(
        self, key: str, body: bytes | bytearray | memoryview | Sequence[bytes], *, content_type: str | None = None
    ) -> str:
        """Store an object whole, or not at all; returns its ETag.

        A sequence of buffers is sent one after the other, without being joined before.

        Raises:
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
            raise StorageUnavailable(f"{key} could not be stored: {_sentence(err)}") from err
        return result["e_tag"] or ""

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
            raise ObjectMissing(f"the storage has no {key}") from err
        except (BaseError, OSError) as err:
            raise StorageUnavailable(f"{key} could not be read: {_sentence(err)}") from err

    async def get_range(self, key: str, *, start: int, length: int) -> bytes:
        """``length`` bytes of an object from ``start`` on; fewer where it ends before.

        Raises:
            ObjectMissing: there is none of that key.
            StorageUnavailable: no answer, an error, or nothing of the range is inside the object.
        """
        try:
            return bytes(await self._store.get_range_async(key, start=start, length=length))
        except FileNotFoundError as err:
            raise ObjectMissing(f"the storage has no {key}") from err
        except (BaseError, OSError) as err:
            raise StorageUnavailable(f"{key} could not be read: {_sentence(err)}") from err

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
            raise StorageUnavailable(f"{key} could not be removed: {_sentence(err)}") from err


def _sentence(err: BaseException) -> str:
    """The first line: obstore adds a debug dump below it."""
    return (str(err) or type(err).__name__).splitlines()[0][:300]
