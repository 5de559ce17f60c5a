"""``python -m bench [case …]``: measure, print a table, write a JSON file."""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import traceback
from collections.abc import Sequence
from pathlib import Path

from bench import REPOSITORY
from bench.cases import CASES
from bench.context import Case, Context
from bench.cores import Cores
from bench.report import as_json, as_table, machine_facts
from bench.result import Result

_BUSY_FRACTION_MAX = 0.1
_RESULTS = REPOSITORY / "bench" / "results"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the cases that were asked for; 0 when all that could be measured were."""
    options = _parse(arguments)
    cases = [case for case in CASES if not options.cases or case.name in options.cases]
    if options.list:
        for case in cases:
            print(f"{case.name:<16} {case.title}")
        return 0
    machine = machine_facts()
    busy = float(str(machine["busy_fraction_before"]))
    if busy > _BUSY_FRACTION_MAX:
        print(
            f"Other programs use {busy:.0%} of this machine: trust ratios and CPU times, not speeds.", file=sys.stderr
        )
    cores = Cores.of_this_machine()
    if cores.server == cores.load:
        print("This machine has one core: server and load share it, and the ratios say little.", file=sys.stderr)
    cores.stay_on_load_core()
    results: list[Result] = []
    skipped: dict[str, str] = {}
    failed: dict[str, str] = {}
    for case in cases:
        missing = case.missing_programs()
        if missing:
            skipped[case.name] = f"needs {' and '.join(missing)} (Debian: apt install nginx-light wrk util-linux)"
            print(f"\n{case.name}: skipped, {skipped[case.name]}")
            continue
        try:
            results.append(_measure(case, cores, is_quick=options.quick))
        except Exception as err:  # noqa: BLE001  # the other cases are worth their figures all the same
            failed[case.name] = f"{type(err).__name__}: {err}"
            traceback.print_exc()
    output = options.output or _RESULTS / time.strftime("%Y%m%d-%H%M%S.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(as_json(results, machine=machine, skipped=skipped, failed=failed))
    print(f"\nAll runs: {output}")
    return 1 if failed else 0


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


def _measure(case: Case, cores: Cores, *, is_quick: bool) -> Result:
    with tempfile.TemporaryDirectory(prefix="understudy-bench-") as directory:
        result = case.measure(Context(Path(directory), cores, is_quick=is_quick))
    print(as_table(result), flush=True)
    return result


if __name__ == "__main__":
    sys.exit(main())
