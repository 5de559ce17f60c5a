"""What may be answered without asking anybody: prepared responses by path, as the protocol's fast path finds them."""

from __future__ import annotations

from understudy_egress.access import Admits
from understudy_egress.prepared import Prepared, Use
from understudy_runtime.access_log import Names

Shown = dict[bytes, Prepared]
"""By raw path, without query string."""


class Board:
    """One origin endpoint's part of the shown responses.

    While it is ``restricted`` it shows nothing, so that every request goes the long way, where access is judged. While
    it is guarded, all that it shows carries its guard, which is asked before anything is answered.
    """

    def __init__(self, shown: Shown) -> None:
        self._shown = shown
        self._own: Shown = {}
        self._restricted = False
        self._admits: Admits | None = None
        self._names: Names | None = None
        self.epoch = 0
        """Grows when all is taken off: what was found to be offered before may not be any more."""

    def show(self, path: bytes, prepared: Prepared) -> None:
        """Have a path answered with this from now on."""
        self._own[path] = prepared
        prepared.admits = self._admits
        prepared.logged_as = self._names
        if not self._restricted:
            self._shown[path] = prepared

    def hide(self, path: bytes) -> None:
        """Take a path off; one that is not there is no error."""
        self._own.pop(path, None)
        self._shown.pop(path, None)

    def find(self, path: bytes) -> Prepared | None:
        """What is ready for a path, restricted or not."""
        return self._own.get(path)

    def restrict(self, restricted: bool) -> None:
        """Show all or nothing of it."""
        if restricted == self._restricted:
            return
        self._restricted = restricted
        if restricted:
            for path in self._own:
                self._shown.pop(path, None)
        else:
            self._shown.update(self._own)

    def guard(self, admits: Admits | None) -> None:
        """Have this asked before any of it is answered; None: nothing."""
        self._admits = admits
        for prepared in self._own.values():
            prepared.admits = admits

    def log_as(self, names: Names | None) -> None:
        """Have every answer from here logged under these names; None: none."""
        self._names = names
        for prepared in self._own.values():
            prepared.logged_as = names

    def on_use(self, route: str, used: Use | None) -> None:
        """Have this called at each use of what is shown for a route now; None: nothing."""
        for prepared in self._own.values():
            if prepared.route == route:
                prepared.used = used

    def clear(self) -> None:
        """Take everything off."""
        for path in self._own:
            self._shown.pop(path, None)
        self._own.clear()
        self.epoch += 1

    def close(self) -> None:
        """Take everything off, for good."""
        self.restrict(True)
        self._own.clear()
        self.epoch += 1
