"""Why a smoke test fails."""

from __future__ import annotations

from understudy_domain.errors import UnderstudyError


class SmokeTestFailed(UnderstudyError):
    """The installation does not do what it should; the message says which part, and where to look."""

    code = "smoke_test_failed"
