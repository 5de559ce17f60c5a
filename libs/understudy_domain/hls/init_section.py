"""EXT-X-MAP."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.hls.attribute_list import parse_attribute_list, render_attribute_list, required

TAG = "#EXT-X-MAP"


@dataclass(frozen=True, slots=True)
class InitSection:
    """Where the init section of the segments from here on is."""

    uri: str  # URI
    byte_range: str | None = None  # BYTERANGE, as written

    @classmethod
    def parse(cls, text: str) -> InitSection:
        """From what follows the tag's colon.

        Raises:
            NotAPlaylist: no attribute list, or without URI.
        """
        attributes = parse_attribute_list(text)
        return cls(uri=required(attributes, "URI"), byte_range=attributes.get("BYTERANGE"))

    def render(self) -> str:
        """The tag's line, with its line end."""
        return f"{TAG}:{render_attribute_list({}, {'URI': self.uri, 'BYTERANGE': self.byte_range})}\n"
