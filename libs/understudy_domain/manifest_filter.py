"""Manifest filtering: which renditions a request wants listed, ``?aws.manifestfilter=video_height:240-720``.

Rules.

1. A filter is ``key:value,value;key:value`` of at most 1024 characters, in any case; each key once. A number may be a
   range, ``min-max``, both ends included. What is malformed is refused (400), and so is a value that a closed list
   (codecs, dynamic range, kind of trick play) does not have. Languages are an open list: any may be asked for.
2. Keys of video judge video renditions, keys of audio judge audio renditions, and the audio that is multiplexed into a
   video rendition too: such a rendition must satisfy both. One key is satisfied by any of its values, all keys have to
   be.
3. What is not known of a rendition satisfies nothing, with one exception: the bit rate of multiplexed audio cannot be
   told from the whole, and is not judged.
4. There are neither subtitles nor trick play to filter: their keys are checked, and change nothing.
5. A filter that leaves no variant is refused (400). One that leaves video without its audio is not.

Bit rates are those of stream selection (``stream_selection``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final, Protocol, TypeVar

from understudy_domain.errors import UnderstudyError
from understudy_domain.media import TrackKind
from understudy_domain.stream_selection import Selectable, bit_rate_of

PARAMETER: Final = "aws.manifestfilter"
LENGTH_MAX: Final = 1024
NUMBER_MAX: Final = 2**31 - 1

_THOUSAND: Final = 1_000
"""Numbers are kept in thousandths: frame rates may have three decimals."""
_NUMBER = re.compile(r"([0-9]{1,10})(?:\.([0-9]{1,3}))?")
_LANGUAGE = re.compile(r"[a-z0-9]{1,8}(?:-[a-z0-9]{1,8}){0,8}")
_NUMBERS: Final = frozenset(
    {
        *("audio_bitrate", "audio_channels", "audio_sample_rate"),
        *("trickplay_height", "video_bitrate", "video_framerate", "video_height"),
    }
)
_LISTS: Final[Mapping[str, frozenset[str]]] = {
    "audio_codec": frozenset({"aacl", "aach", "ac-3", "ec-3"}),
    "trickplay_type": frozenset({"iframe", "image", "none"}),
    "video_codec": frozenset({"h264", "h265"}),
    "video_dynamic_range": frozenset({"hdr10", "hlg", "sdr"}),
}
_LANGUAGES: Final = frozenset({"audio_language", "subtitle_language"})
_CODECS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("avc1", "avc3"), "h264"),
    **dict.fromkeys(("hvc1", "hev1"), "h265"),
    **dict.fromkeys(("mp4a.40.5", "mp4a.40.29"), "aach"),
    "mp4a": "aacl",
    "ac-3": "ac-3",
    "ec-3": "ec-3",
}
_AUDIO_CODECS: Final = ("mp4a", "ac-3", "ec-3")
_EIGHT_BITS = re.compile(r"avc[13]\..*|(?:hvc1|hev1)\.[A-C]?1\..*")
"""Codecs that can only be of standard dynamic range; nothing tells the others apart."""

Fact = int | str | None


class MalformedManifestFilter(UnderstudyError):
    """A manifest filter that means nothing, or stands where there is nothing to filter; the message says why."""

    code = "malformed_manifest_filter"
    status = 400


class NothingLeft(UnderstudyError):
    """A manifest filter that no variant satisfies."""

    code = "manifest_filter_leaves_nothing"
    status = 400


class Filterable(Selectable, Protocol):
    """As much of a rendition as it is filtered by; fields as in ``EntryRendition``."""

    @property
    def codecs(self) -> tuple[str, ...]:
        """Of every track in it."""

    @property
    def height(self) -> int | None:
        """Of video."""

    @property
    def frame_rate(self) -> str | None:
        """Of video, exact."""

    @property
    def language(self) -> str | None:
        """Of audio, where it is known."""

    @property
    def channels(self) -> str | None:
        """As the encoder announces an audio rendition."""

    @property
    def audio_channels(self) -> int | None:
        """As measured."""

    @property
    def sample_rate(self) -> int | None:
        """Hz."""


F = TypeVar("F", bound=Filterable)


@dataclass(frozen=True, slots=True)
class Condition:
    """One key: numbers within any of the ranges (thousandths), or any of the words."""

    key: str
    ranges: tuple[tuple[int, int], ...] = ()
    words: frozenset[str] = frozenset()

    def holds(self, fact: Fact) -> bool:
        """Whether what is known satisfies it."""
        if isinstance(fact, int):
            return any(low <= fact <= high for low, high in self.ranges)
        return fact in self.words


@dataclass(frozen=True, slots=True)
class ManifestFilter:
    """All conditions of a filter, by key."""

    conditions: tuple[Condition, ...]

    def apply(self, renditions: Sequence[F]) -> tuple[F, ...]:
        """The renditions that satisfy it, in their order.

        Raises:
            NothingLeft: none of those that would be variants does.
        """
        kept = tuple(one for one in renditions if self._keeps(one))
        leading = TrackKind.VIDEO if any(one.kind is TrackKind.VIDEO for one in renditions) else TrackKind.AUDIO
        if not any(one.kind is leading for one in kept):
            raise NothingLeft(f"no variant satisfies {PARAMETER}; ask for less")
        return kept

    def _keeps(self, rendition: Filterable) -> bool:
        facts = _facts_of(rendition)
        return all(condition.holds(facts[condition.key]) for condition in self.conditions if condition.key in facts)


def parse_manifest_filter(text: str) -> ManifestFilter:
    """A filter from the parameter's value, percent-decoded.

    Raises:
        MalformedManifestFilter: it breaks a rule.
    """
    if len(text) > LENGTH_MAX:
        raise MalformedManifestFilter(f"{PARAMETER} has more than {LENGTH_MAX} characters")
    conditions: dict[str, Condition] = {}
    for part in text.lower().split(";"):
        key, colon, values = part.partition(":")
        if not colon or key not in _NUMBERS | _LANGUAGES | _LISTS.keys():
            raise MalformedManifestFilter(f"{PARAMETER}: {key!r:.60} is no key of a filter; write key:value;key:value")
        if key in conditions:
            raise MalformedManifestFilter(f"{PARAMETER}: {key} is there twice; separate its values by commas")
        conditions[key] = _condition(key, values.split(","))
    return ManifestFilter(tuple(conditions[key] for key in sorted(conditions)))


def _condition(key: str, values: Sequence[str]) -> Condition:
    if key in _NUMBERS:
        return Condition(key, ranges=tuple(sorted({_range(key, value) for value in values})))
    for value in values:
        if key in _LANGUAGES and not _LANGUAGE.fullmatch(value):
            raise MalformedManifestFilter(f"{PARAMETER}: {key}: {value!r:.60} is no language tag")
        if key in _LISTS and value not in _LISTS[key]:
            known = ", ".join(sorted(_LISTS[key]))
            raise MalformedManifestFilter(f"{PARAMETER}: {key}: {value!r:.60} is none of {known}")
    return Condition(key, words=frozenset(values))


def _range(key: str, value: str) -> tuple[int, int]:
    low, dash, high = value.partition("-")
    least, greatest = _number(key, low), _number(key, high if dash else low)
    if least > greatest:
        raise MalformedManifestFilter(f"{PARAMETER}: {key}: the range {value:.60} ends before it begins")
    return least, greatest


def _number(key: str, text: str) -> int:
    match = _NUMBER.fullmatch(text)
    if match is None or (match[2] and key != "video_framerate") or int(match[1]) > NUMBER_MAX:
        raise MalformedManifestFilter(
            f"{PARAMETER}: {key}: {text!r:.60} is no number from 0 to {NUMBER_MAX}, nor a range of two"
        )
    return int(match[1]) * _THOUSAND + int((match[2] or "").ljust(3, "0"))


def _facts_of(rendition: Filterable) -> dict[str, Fact]:
    """What the keys that concern a rendition are held against."""
    if rendition.kind is TrackKind.AUDIO:
        return {"audio_bitrate": bit_rate_of(rendition) * _THOUSAND, **_audio_facts(rendition)}
    codec = next((codec for codec in rendition.codecs if _codec(codec) in _LISTS["video_codec"]), "")
    facts: dict[str, Fact] = {
        "video_bitrate": bit_rate_of(rendition) * _THOUSAND,
        "video_codec": _codec(codec),
        "video_dynamic_range": "sdr" if _EIGHT_BITS.fullmatch(codec) else None,
        "video_framerate": _thousandths(rendition.frame_rate),
        "video_height": None if rendition.height is None else rendition.height * _THOUSAND,
    }
    is_multiplexed = any(codec.startswith(_AUDIO_CODECS) for codec in rendition.codecs)
    return facts | _audio_facts(rendition) if is_multiplexed else facts


def _audio_facts(rendition: Filterable) -> dict[str, Fact]:
    announced = (rendition.channels or "").partition("/")[0]
    channels = int(announced) if announced.isascii() and announced.isdecimal() else rendition.audio_channels
    return {
        "audio_channels": None if channels is None else channels * _THOUSAND,
        "audio_codec": next((_codec(codec) for codec in rendition.codecs if codec.startswith(_AUDIO_CODECS)), None),
        "audio_language": rendition.language.lower() if rendition.language else None,
        "audio_sample_rate": None if rendition.sample_rate is None else rendition.sample_rate * _THOUSAND,
    }


def _codec(codec: str) -> str | None:
    return _CODECS.get(codec) or _CODECS.get(codec.partition(".")[0])


def _thousandths(frame_rate: str | None) -> int | None:
    try:
        return None if frame_rate is None else round(Fraction(frame_rate) * _THOUSAND)
    except (ValueError, ZeroDivisionError):
        return None
