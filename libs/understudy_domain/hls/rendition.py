"""EXT-X-MEDIA."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.hls.attribute_list import (
    enumerated,
    parse_attribute_list,
    render_attribute_list,
    required,
    yes,
)

TAG = "#EXT-X-MEDIA"


@dataclass(frozen=True, slots=True)
class Rendition:
    """An alternate track of the programme, in a group that variants name."""

    kind: str  # TYPE
    group: str  # GROUP-ID
    name: str  # NAME
    uri: str | None = None  # URI; absent where it is inside the variants' segments
    language: str | None = None  # LANGUAGE
    channels: str | None = None  # CHANNELS
    instream_id: str | None = None  # INSTREAM-ID
    characteristics: str | None = None  # CHARACTERISTICS
    default: bool = False  # DEFAULT
    autoselect: bool = False  # AUTOSELECT
    forced: bool = False  # FORCED

    @classmethod
    def parse(cls, text: str) -> Rendition:
        """From what follows the tag's colon.

        Raises:
            NotAPlaylist: no attribute list, or without TYPE, GROUP-ID or NAME.
        """
        attributes = parse_attribute_list(text)
        return cls(
            kind=enumerated(required(attributes, "TYPE")),
            group=required(attributes, "GROUP-ID"),
            name=required(attributes, "NAME"),
            uri=attributes.get("URI"),
            language=attributes.get("LANGUAGE"),
            channels=attributes.get("CHANNELS"),
            instream_id=attributes.get("INSTREAM-ID"),
            characteristics=attributes.get("CHARACTERISTICS"),
            default=yes(attributes, "DEFAULT"),
            autoselect=yes(attributes, "AUTOSELECT"),
            forced=yes(attributes, "FORCED"),
        )

    def render(self) -> str:
        """The tag's line, with its line end."""
        attributes = render_attribute_list(
            {
                "TYPE": self.kind,
                "DEFAULT": "YES" if self.default else None,
                "AUTOSELECT": "YES" if self.autoselect else None,
                "FORCED": "YES" if self.forced else None,
            },
            {
                "GROUP-ID": self.group,
                "NAME": self.name,
                "LANGUAGE": self.language,
                "CHANNELS": self.channels,
                "INSTREAM-ID": self.instream_id,
                "CHARACTERISTICS": self.characteristics,
                "URI": self.uri,
            },
        )
        return f"{TAG}:{attributes}\n"
