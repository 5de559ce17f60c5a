"""``python -m deploy.compiled --into FOLDER``: leave a compiled copy of the domain there."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from deploy.compiled.building import CannotCompile, build, is_built, missing

_SOURCE = Path(__file__).parents[2] / "libs" / "understudy_domain"


def main() -> int:
    """Build and say what came of it; 1 where that cannot be done here."""
    parser = argparse.ArgumentParser(prog="python -m deploy.compiled", description=__doc__)
    parser.add_argument("--into", type=Path, required=True, help="the folder; what is in it goes")
    parser.add_argument("--source", type=Path, default=_SOURCE, help="the package; this repository's unless told")
    parser.add_argument("--optimization", default="2", choices=["0", "1", "2", "3"], help="the C compiler's")
    parser.add_argument("--if-changed", action="store_true", help="do nothing where it is there as it would be made")
    options = parser.parse_args()
    began = time.monotonic()
    source, into = options.source.resolve(), options.into.resolve()
    if options.if_changed and missing() is None and is_built(source, into, optimization=options.optimization):
        return 0
    try:
        modules = build(source, into, optimization=options.optimization)
    except CannotCompile as err:
        print(err, file=sys.stderr)
        return 1
    size = sum(path.stat().st_size for path in options.into.rglob("*.so"))
    took = time.monotonic() - began
    print(f"{options.into}: {len(modules)} modules of the domain compiled, {size / 1e6:.1f} MB, in {took:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
