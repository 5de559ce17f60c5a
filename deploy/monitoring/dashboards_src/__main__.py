"""``python -m dashboards_src DIRECTORY``: every dashboard as a JSON file."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards_src import channel, overview, services

PAGES = {
    "overview": overview.overview,
    "channel": channel.channel,
    "services": services.services,
}


def rendered() -> Iterator[tuple[str, str]]:
    """Name and text of each file."""
    for name, page in PAGES.items():
        dashboard = page().build()
        for number, panel in enumerate(dashboard.panels or (), start=1):
            panel.id_val = number  # else Grafana makes them up, and links to a panel do not last
        text = json.dumps(dashboard, cls=JSONEncoder, indent=1, sort_keys=True, ensure_ascii=False)
        yield f"understudy-{name}.json", text + "\n"


if __name__ == "__main__":
    for name, text in rendered():
        (Path(sys.argv[1]) / name).write_text(text)
