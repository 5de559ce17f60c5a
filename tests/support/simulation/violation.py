"""What a run breaks, by the name of the promise."""

from __future__ import annotations


class Violation(AssertionError):
    """A promise was broken: which one (``I1`` … ``I11``, or in words), and what was seen."""

    def __init__(self, promise: str, seen: str) -> None:
        super().__init__(f"{promise}: {seen}")
        self.promise = promise


def require(holds: bool, promise: str, seen: object) -> None:
    """Raise unless the promise holds.

    Raises:
        Violation: it does not.
    """
    if not holds:
        raise Violation(promise, str(seen))
