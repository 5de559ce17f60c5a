"""Names of receivers, looked up aside.

The loop has two threads for all names. Those of receivers whose resolvers do not answer would keep them from NATS's,
and the process from ending.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import socket
from collections.abc import Sequence
from threading import Thread


async def addresses(host: str, port: int) -> Sequence[str]:
    """Where a host is: one address at least.

    Raises:
        OSError: nowhere, or it cannot be looked up.
        UnicodeError: it is no name.
    """
    found: concurrent.futures.Future[Sequence[str]] = concurrent.futures.Future()
    found.set_running_or_notify_cancel()  # who does not wait any more hears nothing

    def look_up() -> None:
        try:
            infos = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as err:
            found.set_exception(err)
        else:
            found.set_result(list(dict.fromkeys(str(info[4][0]) for info in infos)))

    # One of its own, which the end of the process does not wait for.
    Thread(target=look_up, name="a receiver's name", daemon=True).start()
    return await asyncio.wrap_future(found)
