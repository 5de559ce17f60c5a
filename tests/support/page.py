"""A page in a real browser that does what a test tells it."""

from __future__ import annotations

import json
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any, Self

from support.browser import CHROMIUM, PLAYERS, MissingProgram, install_players


class PageFailed(AssertionError):
    """The browser could not do what it was told; the message is its own."""


class Page:
    """Debian's Chromium, driven through playwright by a Node process."""

    def __init__(self) -> None:
        """Raises MissingProgram where the browser or what drives it is not installed."""
        if shutil.which(CHROMIUM) is None:
            raise MissingProgram(f"{CHROMIUM} is not there: apt-get install chromium")
        install_players()
        self._profile = tempfile.TemporaryDirectory(prefix="chromium-", ignore_cleanup_errors=True)
        self._process = subprocess.Popen(
            ["node", "page.mjs", CHROMIUM, self._profile.name],
            cwd=PLAYERS,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self._answer()

    def _answer(self) -> Any:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise PageFailed("the browser ended")
        answer = json.loads(line)
        if "error" in answer:
            raise PageFailed(answer["error"])
        return answer.get("answer")

    def _do(self, command: str, **arguments: object) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps({"command": command, **arguments}) + "\n")
        self._process.stdin.flush()
        return self._answer()

    def open(self, url: str) -> str:
        """Go there; the URL that it led to."""
        return str(self._do("open", url=url))

    def look(self, width: int, height: int, *, scheme: str = "light") -> None:
        """Be of this size, ``light`` or ``dark``."""
        self._do("look", width=width, height=height, scheme=scheme)

    def until(self, script: str, *, seconds: float = 30.0) -> float:
        """Wait until an expression is true; when that was, seconds since the epoch."""
        return float(self._do("until", script=script, seconds=seconds)["at"])

    def say(self, script: str) -> Any:
        """What an expression is."""
        return self._do("say", script=script)

    def click(self, selector: str) -> None:
        """Click on an element."""
        self._do("click", selector=selector)

    def hover(self, selector: str) -> None:
        """Point at an element."""
        self._do("hover", selector=selector)

    def press(self, key: str) -> None:
        """Press a key."""
        self._do("press", key=key)

    def fill(self, selector: str, text: str) -> None:
        """Write into a field."""
        self._do("fill", selector=selector, text=text)

    def picture(self, path: Path, *, selector: str | None = None) -> None:
        """A screenshot of the window, or of an element."""
        self._do("picture", path=str(path.resolve()), selector=selector)

    def complaints(self) -> list[str]:
        """What was written to the console as a warning or an error, or thrown, since this was last asked."""
        found: list[str] = self._do("complaints")
        return found

    def accessibility(self) -> list[dict[str, Any]]:
        """What axe-core finds: ``id``, ``impact`` and some of the ``nodes``."""
        found: list[dict[str, Any]] = self._do("accessibility")
        return found

    def close(self) -> None:
        """End the browser."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait(timeout=5)
        self._process.stdout.close()
        self._profile.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
