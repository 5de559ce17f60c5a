"""The AWS command line client, as its users call it, unchanged but for ``--endpoint-url``."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from support.signing import Key

PROGRAM = Path(sys.executable).parent / "aws"
ANY = Key("any", "any")


class Refused(Exception):
    """The command line client ended with an error; its text is the message."""


class AwsCli:
    """``aws mediapackage <arguments>`` with a key; its JSON answer parsed, None where it has none."""

    def __init__(self, url: str, home: Path, key: Key = ANY, *, region: str = "us-east-1") -> None:
        self.operations: set[str] = set()
        """The operations that were called so far, by their names on the command line."""
        self._command = [sys.executable, str(PROGRAM), "--endpoint-url", url, "mediapackage"]
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(home),
            "AWS_ACCESS_KEY_ID": key.access_key_id,
            "AWS_SECRET_ACCESS_KEY": key.secret,
            "AWS_DEFAULT_REGION": region,
            "AWS_MAX_ATTEMPTS": "1",
        }

    def __call__(self, *arguments: str) -> Any:
        """Call an operation.

        Raises:
            Refused: it ended with an error.
        """
        self.operations.add(arguments[0])
        command = [*self._command, *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=60, check=False)
        if done.returncode:
            raise Refused(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None
