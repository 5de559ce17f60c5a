"""glibc's allocator, told that bodies of megabytes come and go all day.

By default it gives the memory of each body back to the kernel and asks for it anew with the next one: half a
millisecond of page faults for each MiB.
"""

from __future__ import annotations

import ctypes
import logging

_log = logging.getLogger(__name__)

_M_TRIM_THRESHOLD = -1
_M_MMAP_THRESHOLD = -3
_MMAP_THRESHOLD_SIZE = 32 << 20  # the most that glibc accepts
_TRIM_THRESHOLD_SIZE = 128 << 20


def keep_freed_memory() -> None:
    """Keep up to 128 MiB of freed memory for the next bodies; elsewhere than on glibc nothing happens."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    kept = mallopt(_M_MMAP_THRESHOLD, _MMAP_THRESHOLD_SIZE) and mallopt(_M_TRIM_THRESHOLD, _TRIM_THRESHOLD_SIZE)
    if not kept:
        _log.info("the allocator does not take thresholds; uploads cost a little more")
