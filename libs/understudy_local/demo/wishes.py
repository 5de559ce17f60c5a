"""How ``understudy demo`` and the running stack speak: files in the data directory.

A file ``encoder-<n>.stopped`` is the wish that encoder n does not run; ``encoders.json`` says what is so.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from understudy_local.data_directory import DataDirectory, write_json
from understudy_local.errors import StackNotRunning

ENCODERS: Final = (1, 2)


class Wishes:
    """Which demo encoders shall run, and which do."""

    def __init__(self, directory: DataDirectory) -> None:
        self._directory = directory
        self._state = directory.demo / "encoders.json"

    def reset(self) -> None:
        """Forget an earlier run: both shall run, none does."""
        self._state.unlink(missing_ok=True)
        for number in ENCODERS:
            self._stopped(number).unlink(missing_ok=True)

    def wish(self, number: int, *, runs: bool) -> None:
        """Ask that an encoder runs, or does not."""
        if runs:
            self._stopped(number).unlink(missing_ok=True)
        else:
            self._stopped(number).touch()

    def shall_run(self, number: int) -> bool:
        """Whether an encoder is wished to run."""
        return not self._stopped(number).exists()

    def tell(self, pids: Mapping[int, int | None]) -> None:
        """Say which encoders run, and as which process; None where one does not."""
        write_json(self._state, {str(number): pid for number, pid in pids.items()})

    def told(self) -> dict[int, int | None]:
        """What ``tell`` said last.

        Raises:
            StackNotRunning: the stack runs without the demo, or has not got that far.
        """
        try:
            state: dict[str, int | None] = json.loads(self._state.read_text())
        except FileNotFoundError as err:
            raise StackNotRunning(
                f"the stack on {self._directory.path} runs no demo (or not yet): start it with `understudy up --demo`."
            ) from err
        return {int(number): pid for number, pid in state.items()}

    def _stopped(self, number: int) -> Path:
        return self._directory.demo / f"encoder-{number}.stopped"
