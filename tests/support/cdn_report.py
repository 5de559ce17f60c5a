"""What came of a run through caches: figures, and everything that should not have been."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from support.cdn import Cdn, OriginRequest
from support.cdn_audience import Seen, Truth

WAITED_SECONDS_MAX = 1.0
"""nginx looks every half second whether what somebody else fetches has come; the rest is slack."""
ASKED_MAX = 1.1
"""Times a second and form: nginx and Varnish keep a playlist for a second, or until the second is over."""
VARIANTS = {"nginx": 2, "varnish": 1}
"""In how many forms each keeps a playlist: Varnish gunzips by itself."""


@dataclass
class CdnReport:
    """What came of one cache."""

    cdn: Cdn
    seen: Seen = field(default_factory=Seen)
    origin: list[OriginRequest] = field(default_factory=list)

    def answered(self, suffix: str, status: int) -> Counter[str]:
        """How many of its requests, by path, egress answered with this status."""
        return Counter(one.path for one in self.origin if one.path.endswith(suffix) and one.status == status)

    def fetched_twice(self) -> dict[str, int]:
        """Segments that were fetched from egress more than once."""
        return {path: count for path, count in self.answered(".ts", 200).items() if count > 1}

    def never_fetched(self) -> list[str]:
        """Segments that viewers had, and that the log of the cache knows nothing of: its log is not whole."""
        fetched = self.answered(".ts", 200)
        return [path for path in self.seen.digests if path not in fetched]


@dataclass
class CdnRun:
    """What happened, and what was seen of it."""

    duration_seconds: float
    viewers: int
    truth: Truth = field(default_factory=Truth)
    reports: dict[str, CdnReport] = field(default_factory=dict)
    failovers: int = 0
    kills: int = 0
    inspected: list[str] = field(default_factory=list)

    def playlists_beyond_versions(self, name: str) -> dict[str, int]:
        """Playlists of which a cache fetched more bodies than there were versions, in the forms that it keeps."""
        bodies = self.reports[name].answered(".m3u8", 200)
        return {p: count for p, count in bodies.items() if count > self.truth.versions.get(p, 0) * VARIANTS[name]}

    def questions_a_second(self, name: str) -> float:
        """How often a cache asked egress for the media playlist, a second and form."""
        report = self.reports[name]
        asked = sum(one.path == self.truth.media and one.status in (200, 304) for one in report.origin)
        return asked / VARIANTS[name] / self.duration_seconds

    def behind(self, name: str) -> list[str]:
        """Playlists that were too old, and segments that came too late where they had been asked for too early."""
        seen = self.reports[name].seen
        stale, waited = max(seen.stale_seconds, default=0.0), max(seen.waited_seconds, default=0.0)
        found = []
        assert self.truth.playlist is not None, "nothing was ever shown"
        most = self.truth.playlist.target_duration_seconds / 2
        if stale > most:
            found.append(f"a playlist was {stale:.2f} s behind, of {most} s at most")
        if waited > WAITED_SECONDS_MAX:
            found.append(f"a segment that had been asked for too early came {waited:.2f} s after it was there")
        return found

    def fetched_again(self, name: str) -> list[str]:
        """What a cache asked egress for more often than it needs to."""
        report = self.reports[name]
        found = [f"{path} was fetched {count} times" for path, count in report.fetched_twice().items()]
        found += [f"{path} is missing in the log" for path in report.never_fetched()]
        beyond = self.playlists_beyond_versions(name)
        found += [
            f"{count} bodies of {path}, of {self.truth.versions.get(path)} versions" for path, count in beyond.items()
        ]
        asked = self.questions_a_second(name)
        return [*found, f"the media playlist was asked for {asked:.2f} times a second"] if asked > ASKED_MAX else found

    def problems(self) -> list[str]:
        """Everything that should not have been, a sentence each; empty when all went well."""
        found = list(self.inspected)
        for name, report in self.reports.items():
            found += [f"{name}: {p}" for p in (*report.seen.problems, *self.behind(name), *self.fetched_again(name))]
        return found

    def table(self) -> str:
        """Figures, a column for each cache."""
        rows: list[tuple[str, Callable[[str, CdnReport], str]]] = [
            ("playlists shown", lambda _, one: str(len(one.seen.stale_seconds))),
            ("  of them 304", lambda _, one: str(one.seen.unchanged)),
            ("  behind egress at most, s", lambda _, one: f"{max(one.seen.stale_seconds, default=0.0):.2f}"),
            ("  behind egress at all, %", lambda _, one: f"{_share(one.seen.stale_seconds):.0f}"),
            ("playlist asked for too early", lambda _, one: str(one.seen.early_playlists)),
            ("segments shown", lambda _, one: str(one.seen.segments)),
            ("  different ones", lambda _, one: str(len(one.seen.digests))),
            ("  asked for too early", lambda _, one: str(one.seen.early_segments)),
            ("  then late by at most, s", lambda _, one: f"{max(one.seen.waited_seconds, default=0.0):.2f}"),
            ("egress: segments", lambda _, one: str(one.answered(".ts", 200).total())),
            ("egress: playlists", lambda _, one: str(one.answered(".m3u8", 200).total())),
            ("egress: unchanged playlists", lambda _, one: str(one.answered(".m3u8", 304).total())),
            ("egress: no answer, tried elsewhere", lambda _, one: str(sum(r.status is None for r in one.origin))),
            ("egress: playlist a second and form", lambda name, _: f"{self.questions_a_second(name):.2f}"),
            ("problems", lambda _, one: str(len(one.seen.problems))),
        ]
        lines = [f"{'':<36}" + "".join(f"{name:>10}" for name in self.reports)]
        for title, value in rows:
            lines.append(f"{title:<36}" + "".join(f"{value(name, one):>10}" for name, one in self.reports.items()))
        return "\n".join(lines)


def _share(stale: Sequence[float]) -> float:
    return 100 * sum(one > 0 for one in stale) / max(1, len(stale))
