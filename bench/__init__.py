"""Benchmarks beside nginx, in one run on one machine: ``python -m bench``. What they mean is in docs/performance.md.

Absolute figures differ from machine to machine; the ratios and the CPU time per request are what counts.
"""

from __future__ import annotations

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[1]

# The real servers that the tests start are started here too, by the same helpers.
_TESTS = str(REPOSITORY / "tests")
if _TESTS not in sys.path:
    sys.path.append(_TESTS)
