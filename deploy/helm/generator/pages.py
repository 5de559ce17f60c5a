"""Which pages are made, and where they are."""

from __future__ import annotations

import json
from pathlib import Path

from deploy.helm.generator.files import carried
from deploy.helm.generator.readme import readme
from deploy.helm.generator.schema import schema
from deploy.helm.generator.values import read_values

CHART = Path(__file__).parents[1] / "understudy"


def generated() -> dict[Path, str]:
    """Each page's path and what should stand in it."""
    root = read_values(CHART / "values.yaml")
    return {
        CHART / "values.schema.json": json.dumps(schema(root), indent=2, ensure_ascii=False) + "\n",
        CHART / "README.md": readme(root, introduction=(Path(__file__).parent / "introduction.md").read_text()),
        **carried(CHART),
    }
