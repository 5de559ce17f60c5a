"""EXT-X-STREAM-INF and the URI after it."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.hls.attribute_list import (
    decimal,
    integer,
    optional_integer,
    parse_attribute_list,
    render_attribute_list,
    required,
    resolution,
)

TAG = "#EXT-X-STREAM-INF"


@dataclass(frozen=True, slots=True)
class Variant:
    """One bit rate of the programme."""

    uri: str
    bandwidth: int  # BANDWIDTH, bit/s
    average_bandwidth: int | None = None  # AVERAGE-BANDWIDTH, bit/s
    codecs: str | None = None  # CODECS
    width: int | None = None  # RESOLUTION
    height: int | None = None  # RESOLUTION
    frame_rate: str | None = None  # FRAME-RATE, as written
    audio: str | None = None  # AUDIO, a group
    subtitles: str | None = None  # SUBTITLES, a group
    closed_captions: str | None = None  # CLOSED-CAPTIONS, a group, or NONE

    @classmethod
    def parse(cls, text: str, *, uri: str) -> Variant:
        """From what follows the tag's colon, and the URI on the next line.

        Raises:
            NotAPlaylist: no attribute list, without BANDWIDTH, or a value is malformed.
        """
        attributes = parse_attribute_list(text)
        width, height = resolution(attributes)
        frame_rate = attributes.get("FRAME-RATE")
        return cls(
            uri=uri,
            bandwidth=integer(required(attributes, "BANDWIDTH")),
            average_bandwidth=optional_integer(attributes, "AVERAGE-BANDWIDTH"),
            codecs=attributes.get("CODECS"),
            width=width,
            height=height,
            frame_rate=None if frame_rate is None else decimal(frame_rate),
            audio=attributes.get("AUDIO"),
            subtitles=attributes.get("SUBTITLES"),
            closed_captions=attributes.get("CLOSED-CAPTIONS"),
        )

    def render(self) -> str:
        """The tag's line and the URI's, each with its line end."""
        no_captions = self.closed_captions == "NONE"
        attributes = render_attribute_list(
            {
                "BANDWIDTH": self.bandwidth,
                "AVERAGE-BANDWIDTH": self.average_bandwidth,
                "RESOLUTION": None if self.width is None else f"{self.width}x{self.height}",
                "FRAME-RATE": self.frame_rate,
                "CLOSED-CAPTIONS": "NONE" if no_captions else None,
            },
            {
                "CODECS": self.codecs,
                "AUDIO": self.audio,
                "SUBTITLES": self.subtitles,
                "CLOSED-CAPTIONS": None if no_captions else self.closed_captions,
            },
        )
        return f"{TAG}:{attributes}\n{self.uri}\n"
