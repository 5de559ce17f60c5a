"""mypyc and the C compiler, run over the modules that were chosen."""

from __future__ import annotations

import hashlib
import importlib.metadata
import importlib.util
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from deploy.compiled.choice import PACKAGE, compiled_modules, modules_of
from deploy.compiled.rewriting import Classes, rewritten

_PACKAGES = (
    "Debian, Ubuntu: apt install gcc libc6-dev python3-dev; Python's own images that are not called slim have them"
)
_FINGERPRINT = "made-from"
"""A file beside the package: of what it was made."""
_SAID_MAX = 40
"""Lines of a compiler's words that are shown, the last ones."""


class CannotCompile(Exception):
    """Something is missing on this machine, or the compiler refuses the code. The message says what to do."""


def missing() -> str | None:
    """What compiling lacks on this machine, as a sentence; None if nothing."""
    compiler = (sysconfig.get_config_var("CC") or "cc").split()[0]
    compiler = os.environ.get("CC", compiler).split()[0]
    if shutil.which(compiler) is None:
        return f"There is no C compiler: {compiler} is not on the path ({_PACKAGES})."
    header = Path(sysconfig.get_path("include")) / "Python.h"
    if not header.is_file():
        return f"There are no C headers of this Python: {header} is missing ({_PACKAGES})."
    for module in ("setuptools", "mypyc"):
        if importlib.util.find_spec(module) is None:
            return f"{sys.executable} has no {module}: install requirements/compile.txt."
    return None


def fingerprint(package: Path, *, optimization: str) -> str:
    """Differs where a build would: by the sources, by what compiles them, and by the Python they are compiled for."""
    digest = hashlib.sha256()
    for folder in (package, Path(__file__).parent):
        for path in sorted(folder.rglob("*.py")):
            digest.update(f"{path.relative_to(folder)}\0".encode() + path.read_bytes())
    versions = [importlib.metadata.version("mypy"), sysconfig.get_config_var("EXT_SUFFIX"), sys.version, optimization]
    digest.update(repr(versions).encode())
    return digest.hexdigest()


def is_built(package: Path, into: Path, *, optimization: str) -> bool:
    """Whether ``into`` holds what a build would make."""
    made_from = into / _FINGERPRINT
    return made_from.is_file() and made_from.read_text().strip() == fingerprint(package, optimization=optimization)


def build(package: Path, into: Path, *, optimization: str) -> list[str]:
    """Make ``into`` a folder with the whole package, compiled where that was chosen; the names of what was.

    Whatever was in ``into`` is gone. Equal inputs make equal files.

    Args:
        package: the folder of the domain's sources.
        into: there need be none.
        optimization: the C compiler's level, ``0`` to ``3``.

    Raises:
        CannotCompile: with what the compiler said, or what is missing.
        CannotRewrite: a dataclass is of a form that is not known.
        LookupError: as ``compiled_modules``.
    """
    if (lack := missing()) is not None:
        raise CannotCompile(lack)
    chosen = compiled_modules(package)
    with tempfile.TemporaryDirectory(prefix="understudy-compiled-") as name:
        stage = Path(name)
        _stage(package, stage, chosen)
        said = _compile(stage, [str(path.relative_to(package.parent)) for path in chosen.values()], optimization)
        built = sorted((stage / "out").rglob("*.so"))
        if not built:
            raise CannotCompile(f"The compiler left nothing behind:\n{said}")
        shutil.rmtree(into, ignore_errors=True)
        shutil.copytree(package, into / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
        for path in built:
            _strip(path)
            shutil.copyfile(path, into / path.relative_to(stage / "out"))
        (into / _FINGERPRINT).write_text(fingerprint(package, optimization=optimization) + "\n")
    return list(chosen)


def _stage(package: Path, stage: Path, chosen: dict[str, Path]) -> None:
    """The package as it is compiled; what is left as it is, is there for its types."""
    shutil.copytree(package, stage / PACKAGE, ignore=shutil.ignore_patterns("__pycache__"))
    texts = {name: path.read_text() for name, path in modules_of(package).items()}
    classes = Classes(texts)
    for name, path in chosen.items():
        text = rewritten(texts[name], module=name, classes=classes)
        (stage / path.relative_to(package.parent)).write_text(text)
    (stage / "mypy.ini").write_text("[mypy]\n")  # what this repository asks of code is none of mypyc's business


_SETUP = """
import setuptools
from mypyc.build import mypycify
files, optimization, group = {arguments!r}
extensions = mypycify(["--config-file=mypy.ini", *files], opt_level=optimization, debug_level="0", group_name=group)
setuptools.setup(name=group, packages=[], ext_modules=extensions)
"""


def _compile(stage: Path, files: list[str], optimization: str) -> str:
    """Compile the files into ``out``; in a process of its own, since both compilers say things and end programs."""
    (stage / "setup.py").write_text(_SETUP.format(arguments=(files, optimization, PACKAGE)))
    command = [sys.executable, "setup.py", "--quiet", "build_ext", "--build-lib", "out", "--build-temp", "objects"]
    environment = os.environ | {"PYTHONHASHSEED": "0", "SOURCE_DATE_EPOCH": "0", "PYTHONDONTWRITEBYTECODE": "1"}
    run = subprocess.run(
        command, cwd=stage, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    if run.returncode:
        raise CannotCompile("\n".join(["The domain cannot be compiled:", *run.stdout.splitlines()[-_SAID_MAX:]]))
    return run.stdout


def _strip(path: Path) -> None:
    """Take out what only a debugger reads, where there is a program for it."""
    if (program := shutil.which("strip")) is not None:
        subprocess.run([program, "--strip-unneeded", str(path)], check=True)
