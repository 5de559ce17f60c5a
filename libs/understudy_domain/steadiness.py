"""For how long an input has been complete and on time: what a failback waits for (failover rule, Policies)."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.failover import JITTER_ALLOWANCE

LATE_MAX = JITTER_ALLOWANCE
"""A piece may come so long after it was due and is still on time."""


@dataclass(slots=True)
class Steadiness:
    """One input's run of pieces that came in every rendition, without a hole, none of them late."""

    since: int | None = None
    """Instant at which the run began, ticks; None before the first piece."""
    reached: int = 0
    """Programme time at which the run's newest piece ends, ticks."""
    session: int = 0
    """Id of the session it is of: another one begins another run."""
    renditions: int = 0
    """In how many renditions its pieces came: so does one that is lost, or is back."""
    missing: int = 0
    """Programme time that pieces left out before them, in all, ticks: for people. Nothing is decided by it."""

    def observe(
        self,
        *,
        session: int,
        start: int,
        end: int,
        renditions: int,
        arrived_at: int,
        lag: int | None,
        segment_duration: int,
    ) -> None:
        """Take in a piece that is complete in every rendition that goes on; ``lag`` as it was known before it came."""
        half = segment_duration // 2
        if self.since is not None and session == self.session and start < self.reached - half:
            if renditions > self.renditions:  # a rendition is back, with the piece that came without it just now
                self.since, self.renditions = arrived_at, renditions
            return  # or it was missed when a later one came: the run began anew then
        whole = self.since is not None and session == self.session and start <= self.reached + half
        late = lag is not None and arrived_at > end + lag + LATE_MAX
        if self.since is not None and start > self.reached + half:
            self.missing += start - self.reached
        if not whole or late or renditions != self.renditions:
            self.since = arrived_at
        self.session, self.reached, self.renditions = session, end, renditions

    def is_overdue(self, now: int, *, lag: int | None, segment_duration: int) -> bool:
        """Whether the next piece should have come by now, the jitter allowance included."""
        return self.since is None or lag is None or now > self.reached + segment_duration + lag + LATE_MAX

    def well_since(self, now: int, *, lag: int | None, segment_duration: int) -> int | None:
        """Since when the input has been complete and on time; None if it is not."""
        return None if self.is_overdue(now, lag=lag, segment_duration=segment_duration) else self.since
