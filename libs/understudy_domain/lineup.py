"""The renditions of a channel, and which of an input's playlists carries which.

Renditions are matched between inputs by kind, codec, resolution, language and bit rate rank, by name last (failover
rule, Words).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from understudy_domain.facts import MultivariantArrived
from understudy_domain.media import Probe, TrackKind

_LETTER = {TrackKind.VIDEO: "v", TrackKind.AUDIO: "a"}


@dataclass(frozen=True, slots=True)
class Rendition:
    """One rendition, by what it is matched by and by what players are told of it."""

    rendition: str
    """Its id in URLs: ``v1``, ``a2``; empty for a rendition of an input that is not matched yet."""
    kind: TrackKind
    codec_family: str
    """``avc1``, ``mp4a``: the codec name up to its first dot, of the leading track."""
    bandwidth: int
    """What the encoder declares, or what its first segment measures: only its rank counts, bit/s."""
    playlist: str
    """The input's own playlist path."""
    width: int | None = None
    height: int | None = None
    audio_group: str | None = None
    name: str | None = None
    language: str | None = None
    channels: str | None = None
    default: bool = False
    autoselect: bool = False
    position: int | None = None
    """Its place among the variants that the encoder announces; None where it is none of them."""
    audio_channels: int | None = None
    """Of the first audio track in its first segment, measured; None where there is none."""
    sample_rate: int | None = None
    """Of the same track, Hz."""
    since: int | None = None
    """Where the first slot it takes part in may begin, programme time, ticks; None: it was there from the start."""
    until: int | None = None
    """Where its last piece ended, programme time, ticks; None while it is in the line-up."""

    def takes_part(self, begin: int, *, off_max: int) -> bool:
        """Whether it counts in a slot that begins at ``begin`` (programme time, ticks)."""
        has_joined = self.since is None or self.since <= begin + off_max
        return has_joined and (self.until is None or self.until > begin + off_max)

    def is_like(self, other: Rendition) -> bool:
        """Of the same kind, codec, resolution and language."""
        return _exact(self) == _exact(other)


@dataclass(frozen=True, slots=True)
class DepartedRendition:
    """One that has left the line-up."""

    rendition: Rendition
    configuration: str
    """Digest of the codec configuration of its last piece."""
    had_by: tuple[int, ...] = ()
    """Inputs that were dead when it left, and had it to the last: it joins again when one of them delivers it."""


@dataclass(frozen=True, slots=True)
class FirstSegment:
    """A playlist's first segment: its probe and its measured bit rate."""

    probe: Probe
    bandwidth: int

    def is_like(self, other: FirstSegment) -> bool:
        """Of the same kind, codec and resolution."""
        mine, others = self.probe.leading, other.probe.leading
        if mine is None or others is None or mine.kind is not others.kind:
            return False
        same_codec = mine.codec.partition(".")[0] == others.codec.partition(".")[0]
        return same_codec and (mine.width, mine.height) == (others.width, others.height)


def renditions_of(
    firsts: Mapping[str, FirstSegment], multivariant: MultivariantArrived | None
) -> tuple[Rendition, ...]:
    """The renditions an input carries, one for each playlist that has delivered; unnumbered, in order of playlists."""
    found = []
    for playlist, first in firsts.items():
        leading = first.probe.leading
        if leading is not None:
            declared = _declared(playlist, multivariant)
            audio = first.probe.of_kind(TrackKind.AUDIO)
            found.append(
                Rendition(
                    rendition="",
                    kind=leading.kind,
                    codec_family=leading.codec.partition(".")[0],
                    playlist=playlist,
                    width=leading.width,
                    height=leading.height,
                    language=declared.language or leading.language,
                    bandwidth=declared.bandwidth or first.bandwidth,
                    audio_group=declared.audio_group,
                    name=declared.name,
                    channels=declared.channels,
                    default=declared.default,
                    autoselect=declared.autoselect,
                    position=declared.position,
                    audio_channels=audio.channels if audio else None,
                    sample_rate=audio.sample_rate if audio else None,
                )
            )
    return tuple(found)


@dataclass(frozen=True, slots=True)
class _Declared:
    """What the multivariant playlist says of a playlist; without one, or where it says nothing, what is left here."""

    bandwidth: int = 0
    position: int | None = None
    audio_group: str | None = None
    name: str | None = None
    language: str | None = None
    channels: str | None = None
    default: bool = False
    autoselect: bool = False


def _declared(playlist: str, multivariant: MultivariantArrived | None) -> _Declared:
    if multivariant is None:
        return _Declared()
    for position, variant in enumerate(multivariant.variants):
        if variant.path == playlist:
            return _Declared(
                bandwidth=variant.bandwidth,
                position=position,
                audio_group=_separate_group(variant.audio_group, multivariant),
            )
    for rendition in multivariant.renditions:
        if rendition.path == playlist:
            return _Declared(
                audio_group=rendition.group,
                name=rendition.name,
                language=rendition.language,
                channels=rendition.channels,
                default=rendition.default,
                autoselect=rendition.autoselect,
            )
    return _Declared()


def _separate_group(group: str | None, multivariant: MultivariantArrived) -> str | None:
    """The group, if any of its renditions has a playlist of its own; audio that is multiplexed needs none."""
    separate = any(rendition.group == group and rendition.path for rendition in multivariant.renditions)
    return group if separate else None


def expected_playlists(multivariant: MultivariantArrived) -> set[str]:
    """The playlists that an encoder says decide: every variant's, and every audio rendition's of its own."""
    audio = {rendition.path for rendition in multivariant.renditions if rendition.kind == "AUDIO" and rendition.path}
    return {variant.path for variant in multivariant.variants} | audio


def lineup_of(renditions: Sequence[Rendition]) -> tuple[Rendition, ...]:
    """Number an input's renditions: these are the channel's. Video first, the highest bit rate first in each kind."""
    numbered = []
    for kind, letter in _LETTER.items():
        for number, rendition in enumerate(_ranked([one for one in renditions if one.kind is kind]), start=1):
            numbered.append(replace(rendition, rendition=f"{letter}{number}"))
    return tuple(numbered)


def letter_of(rendition: Rendition) -> str:
    """What the ids of its kind begin with."""
    return _LETTER[rendition.kind]


def insert(lineup: Sequence[Rendition], rendition: Rendition) -> tuple[Rendition, ...]:
    """The line-up with one more: the last of its kind, so that what times the slots stays what it was."""
    kinds = list(_LETTER)
    before = [one for one in lineup if kinds.index(one.kind) <= kinds.index(rendition.kind)]
    return (*before, rendition, *(one for one in lineup if one not in before))


def pair(mine: Sequence[Rendition], theirs: Sequence[Rendition]) -> list[tuple[Rendition, Rendition]]:
    """What two inputs both offer: of equal kind, codec, resolution and language, by bit rate where several are."""
    found: list[tuple[Rendition, Rendition]] = []
    for key in dict.fromkeys(_exact(one) for one in mine):
        alike = ([one for one in offered if _exact(one) == key] for offered in (mine, theirs))
        found += zip(*(_ranked(offered) for offered in alike), strict=False)
    return found


def match(lineup: Sequence[Rendition], renditions: Sequence[Rendition], *, are_all: bool = True) -> dict[str, str]:
    """Which of an input's playlists carries which rendition of the channel: rendition id to playlist path.

    First by equal kind, codec, resolution and language, ranked by bit rate where several are alike; what is left by
    kind and equal playlist path, then by kind and rank: this last not before it is known what the input carries
    (``are_all``), as the one that fits may be the next to deliver.
    """
    found: dict[str, str] = {}
    for alike in (_exact, _by_path, _by_kind) if are_all else (_exact, _by_path):
        wanted = [one for one in lineup if one.rendition not in found]
        offered = [one for one in renditions if one.playlist not in found.values()]
        for key in dict.fromkeys(alike(one) for one in wanted):
            pairs = zip(
                _ranked([one for one in wanted if alike(one) == key]),
                _ranked([one for one in offered if alike(one) == key]),
                strict=False,
            )
            found.update({one.rendition: other.playlist for one, other in pairs})
    return found


def _exact(rendition: Rendition) -> tuple[object, ...]:
    return (rendition.kind, rendition.codec_family, rendition.width, rendition.height, rendition.language)


def _by_path(rendition: Rendition) -> tuple[object, ...]:
    return (rendition.kind, rendition.playlist)


def _by_kind(rendition: Rendition) -> tuple[object, ...]:
    return (rendition.kind,)


def _ranked(renditions: Sequence[Rendition]) -> list[Rendition]:
    return sorted(renditions, key=lambda one: (-one.bandwidth, one.playlist))
