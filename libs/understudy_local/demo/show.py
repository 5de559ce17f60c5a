"""The demo as a part of a running stack: makes the channel, keeps the encoders as wished, says what to try."""

from __future__ import annotations

import asyncio
import contextlib
import functools
import shlex
import sys
from pathlib import Path
from typing import Final

from understudy_local.data_directory import DEFAULT, REGION, Credentials, DataDirectory
from understudy_local.demo import clock_card
from understudy_local.demo.encoder import command_at_next_segment
from understudy_local.demo.wishes import Wishes
from understudy_local.part import Part
from understudy_local.plan import Urls
from understudy_local.supervisor import Keeper, Supervisor
from understudy_local.terminal import Terminal

_POLL_SECONDS: Final = 0.1


class Demo:
    """Two encoders on a channel of their own."""

    def __init__(self, directory: DataDirectory, urls: Urls, *, terminal: Terminal) -> None:
        self._directory = directory
        self._urls = urls
        self._terminal = terminal
        self._wishes = Wishes(directory)
        self._playback_urls: dict[str, str] = {}
        self._told: dict[int, int | None] = {}
        self._task: asyncio.Task[None] | None = None

    async def start(self, supervisor: Supervisor, credentials: Credentials) -> None:
        """Make the channel and start both encoders.

        Raises:
            DemoFailed: the control API refused.
        """
        # boto3 takes half a second to load, and a stack without a demo has no use for it
        from understudy_local.demo import channel  # noqa: PLC0415

        self._wishes.reset()
        made = await asyncio.to_thread(channel.ensure, self._urls.api_url, credentials)
        self._playback_urls = made.playback_urls
        self._terminal.step(f"channel {channel.CHANNEL_ID} with {' and '.join(made.playback_urls)}")
        digits = self._directory.demo / "digits.pgm"
        clock_card.write_digits(digits)
        keepers = {
            number: supervisor.add(
                Part(
                    name=f"encoder {number}",
                    command=functools.partial(command_at_next_segment, target, digits),
                    log=self._directory.log(f"encoder-{number}"),
                    stop_seconds=0,  # an encoder that is asked to end would declare the programme over
                )
            )
            for number, target in enumerate(made.ingest_endpoints, start=1)
        }
        await asyncio.gather(*(keeper.start() for keeper in keepers.values()))
        self._tell(keepers)
        self._terminal.step("encoder 1 and encoder 2 push to it")
        self._task = asyncio.create_task(self._follow_wishes(keepers), name="demo wishes")

    async def stop(self) -> None:
        """Listen to wishes no longer; the supervisor ends the encoders."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task
        self._wishes.reset()

    async def _follow_wishes(self, keepers: dict[int, Keeper]) -> None:
        while True:
            for number, keeper in keepers.items():
                if self._wishes.shall_run(number) and not keeper.is_kept:
                    self._terminal.happened(f"encoder {number} starts as asked")
                    keeper.keep()
                elif not self._wishes.shall_run(number) and keeper.is_kept:
                    self._terminal.happened(f"encoder {number} is killed as asked")
                    await keeper.stop(seconds=0)
            self._tell(keepers)
            await asyncio.sleep(_POLL_SECONDS)

    def _tell(self, keepers: dict[int, Keeper]) -> None:
        pids = {number: keeper.pid for number, keeper in keepers.items()}
        if pids != self._told:
            self._wishes.tell(pids)
            self._told = pids

    def what_next(self, credentials: Credentials | None) -> str:
        """What a newcomer can try now; ``credentials`` are None where the API takes the newcomer's own alone."""
        where = (
            "" if self._directory.path == DEFAULT.resolve() else f" --data-dir {shlex.quote(str(self._directory.path))}"
        )
        demo = f"{_shown('understudy')} demo"
        width = max(map(len, self._playback_urls))
        signed_as, region = "AWS_PROFILE=… \\", REGION
        if credentials is not None:
            keys = (
                f"AWS_ACCESS_KEY_ID={credentials.access_key_id} AWS_SECRET_ACCESS_KEY={credentials.secret_access_key}"
            )
            signed_as, region = f"{keys} \\", credentials.region
        playback = "\n".join(f"    {name:<{width}}  {url}" for name, url in self._playback_urls.items())
        return f"""
Watch, in VLC, Safari or any HLS player (the first segments take a few seconds):
{playback}

Look at it in the console: what each encoder delivers, and what was made of it.
    {self._urls.api_url}/console

Kill encoder 1 and see what happens: the picture goes on, the active input changes, and the strip turns.
    {demo} stop 1{where}
    {demo} status{where}
    {demo} start 1{where}

Ask the control API as you would ask MediaPackage:
    {signed_as}
        {_shown("aws")} --region {region} --endpoint-url {self._urls.api_url} mediapackage list-channels
"""


def _shown(program: str) -> str:
    """A program of this installation as one would type it from here."""
    path = Path(sys.executable).with_name(program)
    with contextlib.suppress(ValueError):
        path = path.relative_to(Path.cwd())
    return shlex.quote(str(path))
