"""A service of a release to come: it reads and writes one version more of some records than this release does.

Run as a program: the service's package, and the records' names.
"""

from __future__ import annotations

import importlib
import runpy
import sys
from pathlib import Path

from understudy_domain import codec

RECORD_MODULES = (
    "channel",
    "channel_state",
    "entry",
    "event",
    "facts",
    "harvest_job",
    "index_page",
    "ownership",
    "retention",
    "webhooks.progress",
)
PROGRAM = (str(Path(__file__).resolve()),)
"""Arguments for Python; a service's package and the records' names follow."""


def versions() -> dict[str, int]:
    """The version that this release writes of every record, by name."""
    for module in RECORD_MODULES:
        importlib.import_module(f"understudy_domain.{module}")
    return {name: codec._names[cls][1] for name, cls in codec.kinds().items()}


def raise_versions(names: list[str]) -> None:
    """Read and write one version more of these, in this process, for good."""
    for name in names:
        version, cls = versions()[name] + 1, codec.kinds()[name]
        codec._names[cls] = (name, version)
        codec._read_up_to[cls] = version


if __name__ == "__main__":
    _, package, *records = sys.argv
    raise_versions(records)
    sys.argv = [package]
    runpy.run_module(package, run_name="__main__", alter_sys=True)
