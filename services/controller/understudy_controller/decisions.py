"""What the decision loop lets others look at: the folds of the channels that this controller decides."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from understudy_domain.fold import ChannelFold


def _none(_channel_guid: str) -> ChannelFold | None:
    return None


@dataclass(slots=True)
class Decisions:
    """Set by whoever decides, read by the API. What is looked at must not be changed."""

    fold_of: Callable[[str], ChannelFold | None] = _none
    """A channel's fold by guid; None where another controller decides it, or nobody does."""
