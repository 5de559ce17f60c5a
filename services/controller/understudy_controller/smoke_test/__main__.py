"""``python -m understudy_controller.smoke_test``: exit status 0 if media that is pushed can be played."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from understudy_controller.smoke_test.control_api import ControlApi, first_writing_key
from understudy_controller.smoke_test.errors import SmokeTestFailed
from understudy_controller.smoke_test.http import Address
from understudy_controller.smoke_test.play import play
from understudy_controller.smoke_test.push import push, segments
from understudy_controller.smoke_test.resources import CHANNEL_ID, made_resources


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    arguments = _parser().parse_args(words)
    second: Address = arguments.ingest_url_2 or arguments.ingest_url
    try:
        key = first_writing_key(arguments.access_keys_file) if arguments.access_keys_file else None
        api = ControlApi(arguments.api_url, key)
        with made_resources(api, arguments.id) as made:
            _say(f"made channel {arguments.id} with an origin endpoint")
            inputs = [one.at(address) for one, address in zip(made.inputs, (arguments.ingest_url, second), strict=True)]
            pushed = push(inputs, segments(), say=_say)
            play(arguments.egress_url, made.playlist_path, pushed, say=_say)
    except SmokeTestFailed as err:
        sys.stderr.write(f"failed: {err}\n")
        return 1
    _say("played what was pushed, byte for byte, and removed the channel")
    return 0


def _say(words: str) -> None:
    sys.stdout.write(f"{words}\n")
    sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m understudy_controller.smoke_test", description=__doc__)
    parser.add_argument("--api-url", type=Address.parse, required=True, help="of the control API")
    parser.add_argument("--ingest-url", type=Address.parse, required=True, help="of ingest")
    parser.add_argument("--ingest-url-2", type=Address.parse, help="of ingest for input 2, where that is another")
    parser.add_argument("--egress-url", type=Address.parse, required=True, help="of egress")
    parser.add_argument(
        "--access-keys-file", type=Path, help="requests are signed with its first key that may write; none: unsigned"
    )
    parser.add_argument("--id", default=CHANNEL_ID, help=f"of the channel that is made (default: {CHANNEL_ID})")
    return parser


if __name__ == "__main__":
    sys.exit(main())
