"""EXT-X-KEY."""

from __future__ import annotations

from dataclasses import dataclass

from understudy_domain.hls.attribute_list import (
    enumerated,
    parse_attribute_list,
    render_attribute_list,
    required,
)

TAG = "#EXT-X-KEY"


@dataclass(frozen=True, slots=True)
class Key:
    """How the segments from here on are encrypted."""

    method: str  # METHOD
    uri: str | None = None  # URI
    initialization_vector: str | None = None  # IV
    key_format: str | None = None  # KEYFORMAT
    key_format_versions: str | None = None  # KEYFORMATVERSIONS

    @classmethod
    def parse(cls, text: str) -> Key:
        """From what follows the tag's colon.

        Raises:
            NotAPlaylist: no attribute list, or without METHOD.
        """
        attributes = parse_attribute_list(text)
        vector = attributes.get("IV")
        return cls(
            method=enumerated(required(attributes, "METHOD")),
            uri=attributes.get("URI"),
            initialization_vector=None if vector is None else enumerated(vector),
            key_format=attributes.get("KEYFORMAT"),
            key_format_versions=attributes.get("KEYFORMATVERSIONS"),
        )

    def render(self) -> str:
        """The tag's line, with its line end."""
        return (
            f"{TAG}:"
            + render_attribute_list(
                {"METHOD": self.method, "IV": self.initialization_vector},
                {"URI": self.uri, "KEYFORMAT": self.key_format, "KEYFORMATVERSIONS": self.key_format_versions},
            )
            + "\n"
        )

    @property
    def is_encryption(self) -> bool:
        """METHOD is another than NONE."""
        return self.method != "NONE"
