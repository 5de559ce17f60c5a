"""The file of declared resources that docs/operations/declaring.md shows is right."""

from __future__ import annotations

from pathlib import Path

from understudy_controller.declare.declaration import parse_declaration

PAGE = (Path(__file__).parents[3] / "docs" / "operations" / "declaring.md").read_text()


def test_the_file_that_the_page_shows_can_be_applied() -> None:
    text = PAGE.partition("```yaml\nchannels:")[2].partition("```")[0]
    declaration = parse_declaration(f"channels:{text}", name="declaring.md", read_secret=lambda name: name)
    assert list(declaration.channels) == ["news"]
    assert list(declaration.origin_endpoints) == ["news-hls"]
    assert all(pair is not None for pair in declaration.channels["news"].pairs)
