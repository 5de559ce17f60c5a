"""``python -m deploy.helm.generator``: write both pages into the chart."""

from __future__ import annotations

from deploy.helm.generator.pages import generated


def main() -> None:
    """Write what is made from the values."""
    for path, text in generated().items():
        path.write_text(text)


if __name__ == "__main__":
    main()
