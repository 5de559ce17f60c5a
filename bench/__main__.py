"""``python -m bench [case …]``: measure, print a table, write a JSON file."""

from __future__ import annotations

import argparse
import contextlib
import functools
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench import REPOSITORY
from bench.cases import CASES
from bench.compiled import how_it_runs
from bench.context import Case, Context
from bench.cores import Cores
from bench.installation import Installation, running_installation
from bench.report import as_json, as_table, machine_facts
from bench.result import Result

_BUSY_FRACTION_MAX = 0.1
_PACKAGES = "Debian: apt install nginx-light wrk util-linux"
_RESULTS = REPOSITORY / "bench" / "results"


@dataclass(slots=True)
class Findings:
    """What came of a run."""

    results: list[Result] = field(default_factory=list)
    skipped: dict[str, str] = field(default_factory=dict)
    """Cases for which a program is missing."""
    failed: dict[str, str] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that were asked for; 0 when all that could be measured were."""
    options = _parse(arguments)
    cases = [case for case in CASES if not options.cases or case.name in options.cases]
    if options.list:
        for case in cases:
            print(f"{case.name:<16} {case.title}")
        return 0
    core = how_it_runs()  # it is compiled now, if it has to be: before anything is measured
    machine = machine_facts() | {"decision_core": core}
    print(f"The services' decision core is {core}", flush=True)
    busy = float(str(machine["busy_fraction_before"]))
    if busy > _BUSY_FRACTION_MAX:
        print(
            f"Other programs use {busy:.0%} of this machine: trust ratios and CPU times, not speeds.", file=sys.stderr
        )
    cores = Cores.of_this_machine()
    if cores.server == cores.load:
        print("This machine has one core: server and load share it, and the ratios say little.", file=sys.stderr)
    cores.stay_on_load_core()
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as directory:
        findings = _run(cases, Path(directory), cores, is_quick=options.quick)
    output = options.output or _RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(as_json(findings.results, machine=machine, skipped=findings.skipped, failed=findings.failed))
    print(f"\nAll runs: {output}")
    return 1 if findings.failed else 0


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Measure beside nginx, on this machine.")
    parser.add_argument("cases", nargs="*", metavar="case", help="which to run; all unless told (see --list)")
    parser.add_argument("--quick", action="store_true", help="fewer and shorter rounds: a look, no verdict")
    parser.add_argument("--output", type=Path, help="the JSON file; bench/results/<time>.json unless told")
    parser.add_argument("--list", action="store_true", help="say what there is to measure")
    options = parser.parse_args(arguments)
    unknown = sorted(set(options.cases) - {case.name for case in CASES})
    if unknown:
        parser.error(f"there is no case {', '.join(unknown)}; --list shows all")
    return options


def _run(cases: Sequence[Case], directory: Path, cores: Cores, *, is_quick: bool) -> Findings:
    """Run cases one after the other, each in a directory of its own; what one lacks does not keep the others."""
    findings = Findings()
    with contextlib.ExitStack() as stack:

        @functools.cache
        def installation() -> Installation:
            return stack.enter_context(running_installation(directory / "installation", cores=cores))

        for case in cases:
            missing = case.missing_programs()
            if missing:
                findings.skipped[case.name] = f"needs {' and '.join(missing)} ({_PACKAGES})"
                print(f"\n{case.name}: skipped, {findings.skipped[case.name]}")
                continue
            own = directory / case.name
            own.mkdir()
            try:
                result = case.measure(Context(own, cores, installation, is_quick=is_quick))
            except Exception as err:  # noqa: BLE001  # the other cases are worth their figures all the same
                findings.failed[case.name] = f"{type(err).__name__}: {err}"
                traceback.print_exc()
            else:
                findings.results.append(result)
                print(as_table(result), flush=True)
            shutil.rmtree(own)
    return findings


if __name__ == "__main__":
    sys.exit(main())
