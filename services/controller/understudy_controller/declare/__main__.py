"""``python -m understudy_controller.declare FILE``: declared resources by hand, with the controller's settings."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Final

from understudy_controller.api.errors import TooManyWriters
from understudy_controller.api.render import Renderer
from understudy_controller.declare.applying import Applier, Outcome
from understudy_controller.declare.declaration import Declaration, DeclarationInvalid
from understudy_controller.declare.export import export
from understudy_controller.declare.files import read_declared
from understudy_controller.declare.part import terms_of
from understudy_controller.settings import ControllerSettings
from understudy_domain.errors import UnderstudyError
from understudy_runtime import jetstream, logging
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.errors import BusRefused, BusUnavailable
from understudy_runtime.jetstream import Bus
from understudy_runtime.settings import read_settings

_CONNECT_SECONDS: Final = 15.0
_STANDARD_OUTPUT: Final = "-"


class _Failed(UnderstudyError):
    """What a person is told."""

    code = "declare_failed"


def main(words: Sequence[str] | None = None) -> int:
    """Do what the command line says; returns the exit status."""
    arguments = _parser().parse_args(words)
    path: Path = arguments.file
    teller = _Teller(as_json=arguments.json)
    try:
        if arguments.export:
            text = asyncio.run(_export())
            if str(path) == _STANDARD_OUTPUT:
                sys.stdout.write(text)
                return 0
            _write_secret(path, text)
            teller.tell({"file": str(path)}, f"{path} declares what is stored now. It holds the encoders' passwords.")
            return 0
        declaration = _read(path, with_secrets=not arguments.check)
        if arguments.check:
            counts = {"channels": len(declaration.channels), "origin_endpoints": len(declaration.origin_endpoints)}
            words_of_them = f"channels: {counts['channels']}, origin endpoints: {counts['origin_endpoints']}"
            teller.tell({"file": str(path), **counts}, f"{path} is right; {words_of_them}.")
            return 0
        outcome = asyncio.run(_apply(declaration, prune=arguments.prune))
    except (DeclarationInvalid, _Failed) as err:
        teller.fail(err)
        return 1
    teller.tell(asdict(outcome), *(outcome.done or ["nothing to change"]))
    for left in (*outcome.waiting, *outcome.kept):
        sys.stderr.write(f"not done: {left}\n")
    return 1 if outcome.waiting else 0


class _Teller:
    """Says what there is to say, to people or to programs."""

    def __init__(self, *, as_json: bool) -> None:
        self._as_json = as_json

    def tell(self, told: Mapping[str, object], *words: str) -> None:
        sys.stdout.write((json.dumps(told, indent=2) if self._as_json else "\n".join(words)) + "\n")

    def fail(self, err: UnderstudyError) -> None:
        if self._as_json:
            problems = [asdict(one) for one in err.problems] if isinstance(err, DeclarationInvalid) else []
            more = {"problems": problems} if problems else {}
            self.tell({"error": {"code": err.code, "message": str(err), **more}})
        sys.stderr.write(f"{err}\n")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m understudy_controller.declare", description=__doc__)
    parser.add_argument("file", type=Path, help="a YAML file of channels and origin endpoints")
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--check", action="store_true", help="say what is wrong with it and do nothing; needs no NATS")
    what.add_argument(
        "--export", action="store_true", help="write what is stored now into the file instead; - is standard output"
    )
    what.add_argument("--prune", action="store_true", help="also delete what was declared before and is not in it")
    parser.add_argument("--json", action="store_true", help="for programs")
    return parser


def _read(path: Path, *, with_secrets: bool) -> Declaration:
    read = read_declared(path, with_secrets=with_secrets)
    if read.declaration is None:
        raise read.invalid or _Failed(f"{path} cannot be read")
    return read.declaration


def _write_secret(path: Path, text: str) -> None:
    """Replace a file at once, readable by its owner alone."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with suppress(FileNotFoundError):
            beside.unlink()
        descriptor = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
        beside.replace(path)
    except OSError as err:
        raise _Failed(f"{path} cannot be written: {err.strerror}") from err


async def _export() -> str:
    settings = _settings()
    async with _opened(settings) as (_, store):
        return export(store, Renderer.of(settings))


async def _apply(declaration: Declaration, *, prune: bool) -> Outcome:
    settings = _settings()
    async with _opened(settings) as (bus, store):
        try:
            return await Applier(bus, store).apply(declaration, terms=lambda: terms_of(settings, prune=prune))
        except (BusUnavailable, BusRefused, TooManyWriters) as err:
            raise _Failed(f"not all of it is applied: {err}; apply it again") from err


def _settings() -> ControllerSettings:
    logging.configure(service="controller", level="ERROR", log_format="text")
    return read_settings(ControllerSettings)


@asynccontextmanager
async def _opened(settings: ControllerSettings) -> AsyncIterator[tuple[Bus, ConfigStore]]:
    """NATS and the configuration, for as long as a command takes."""
    try:
        async with asyncio.timeout(_CONNECT_SECONDS):
            bus = await jetstream.connect(settings, name="declare")
            await bus.ensure_streams()
            store = ConfigStore(bus)
            await store.start()
    except TimeoutError as err:
        raise _Failed(f"NATS does not answer at {settings.nats_servers}: see UNDERSTUDY_NATS_URL") from err
    try:
        yield bus, store
    finally:
        await store.stop()
        await bus.close()


if __name__ == "__main__":
    sys.exit(main())
