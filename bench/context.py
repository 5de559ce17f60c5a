"""What every case is given."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from bench.cores import Cores
from bench.installation import Installation
from bench.nginx import find_nginx
from bench.result import Result


@dataclass(frozen=True, slots=True)
class Context:
    """Where and how long to measure."""

    directory: Path
    """Of this case, empty, gone afterwards."""
    cores: Cores
    installation: Callable[[], Installation]
    """NATS and S3, started when first asked for, shared by the cases that run a server on a core of its own."""
    is_quick: bool

    @property
    def rounds(self) -> int:
        """How often each subject has its turn."""
        return 3 if self.is_quick else 5

    @property
    def round_seconds(self) -> float:
        """How long a turn under load lasts."""
        return 1.0 if self.is_quick else 2.0


@dataclass(frozen=True, slots=True)
class Case:
    """One thing to measure."""

    name: str
    title: str
    measure: Callable[[Context], Result]
    programs: frozenset[str] = frozenset()
    """Debian's programs that it cannot do without."""

    def missing_programs(self) -> list[str]:
        """Those that are not on this machine."""
        found = {"nginx": find_nginx(), "wrk": shutil.which("wrk"), "taskset": shutil.which("taskset")}
        return sorted(program for program in self.programs if not found[program])
