"""``python -m deploy.helm.generator``: write into the chart what is made from its values, and what it carries along."""

from __future__ import annotations

from deploy.helm.generator.files import left_over
from deploy.helm.generator.pages import CHART, generated


def main() -> None:
    """Write all of it, and remove copies of what is not there any more."""
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for path in left_over(CHART):
        path.unlink()


if __name__ == "__main__":
    main()
