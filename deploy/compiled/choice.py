"""Which modules of the domain are compiled: all that the fold of a channel's log is made of, less a few."""

from __future__ import annotations

import ast
from pathlib import Path

PACKAGE = "understudy_domain"
ROOT = f"{PACKAGE}.fold"
"""What decides: it, and all that it imports."""

INTERPRETED = {
    PACKAGE: "holds nothing",
    f"{PACKAGE}.codec": "is about classes as objects, which compiling does nothing for",
    f"{PACKAGE}.plain": "writes functions and has Python compile them, as classes are registered",
    f"{PACKAGE}.unknown_fields": "is about types as objects, and asked by whoever writes a record again",
    f"{PACKAGE}.json_text": "is one call of a library that is compiled",
    f"{PACKAGE}.errors": "is the root of exceptions everywhere, and a compiled class cannot have interpreted heirs",
    f"{PACKAGE}.unguarded": "makes classes quicker that are quicker yet when they are compiled",
    f"{PACKAGE}.keys": "is text, made and read with regular expressions, and little of it for a fact",
}
"""What is left out, packages with all that is in them, and why."""


def modules_of(package: Path) -> dict[str, Path]:
    """Every module of the package in a folder, by its name."""
    found = {}
    for path in sorted(package.rglob("*.py")):
        parts = path.relative_to(package.parent).with_suffix("").parts
        found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


def compiled_modules(package: Path) -> dict[str, Path]:
    """Those that are compiled, by their names.

    Raises:
        LookupError: one that is named here is not there.
    """
    known = modules_of(package)
    if missing := {ROOT, *INTERPRETED} - known.keys():
        raise LookupError(f"{package} has no {', '.join(sorted(missing))}: mend deploy/compiled/choice.py")
    reached: set[str] = set()
    ahead = [ROOT]
    while ahead:
        name = ahead.pop()
        if name in known and name not in reached:
            reached.add(name)
            ahead += _imported(known[name])
    return {name: known[name] for name in sorted(reached) if not _stays_interpreted(name)}


def _stays_interpreted(name: str) -> bool:
    return any(name == one or (name.startswith(f"{one}.") and one != PACKAGE) for one in INTERPRETED)


def _imported(path: Path) -> set[str]:
    """Names of modules that a module imports, among others that are none."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {one.name for one in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            found |= {node.module, *(f"{node.module}.{one.name}" for one in node.names)}
    return found
