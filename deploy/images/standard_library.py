"""Files of the standard library that a package imports, all its modules together: ``standard_library.py PACKAGE``.

For the build of an image, where their byte code is made: Python's own images have none, and compiling some two hundred
files anew cost every start half a second.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import sysconfig
from pathlib import Path


def main() -> None:
    """Import and print, a path a line.

    Raises:
        ImportError: the package needs something that is not installed.
    """
    package = importlib.import_module(sys.argv[1])
    for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
        importlib.import_module(module.name)
    library = Path(sysconfig.get_path("stdlib"))
    files = [Path(file) for module in list(sys.modules.values()) if (file := getattr(module, "__file__", None))]
    ours = {file for file in files if file.suffix == ".py" and file.is_relative_to(library)}
    print(*sorted(file for file in ours if not {"site-packages", "dist-packages"} & set(file.parts)), sep="\n")


if __name__ == "__main__":
    main()
