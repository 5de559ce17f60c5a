"""Dockerfiles as lists of instructions, to be looked at without anything that builds."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path

SERVICES = ("ingest", "controller", "egress", "harvester")
ROOT = Path(__file__).resolve().parents[2]

_COMMENT = re.compile(r"^[ \t]*#.*\n", re.MULTILINE)
_CONTINUED = re.compile(r"\\\n\s*")


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its continuation lines joined."""

    name: str
    """In upper case."""
    arguments: str

    def as_list(self) -> list[str]:
        """The arguments of an exec form.

        Raises:
            ValueError: it is a shell form.
        """
        parsed = json.loads(self.arguments)
        assert isinstance(parsed, list)
        return [str(word) for word in parsed]


@dataclass(frozen=True, slots=True)
class Stage:
    """A stage: its ``FROM``, and what follows."""

    base: str
    name: str | None
    instructions: tuple[Instruction, ...]

    def all(self, name: str) -> list[Instruction]:
        """Its instructions of one name."""
        return [instruction for instruction in self.instructions if instruction.name == name]

    def only(self, name: str) -> Instruction:
        """Its only instruction of a name."""
        (found,) = self.all(name)
        return found


@dataclass(frozen=True, slots=True)
class Dockerfile:
    """A whole file."""

    text: str
    arguments: dict[str, str]
    """Those that stand before the first stage, with their defaults."""
    stages: tuple[Stage, ...]

    @classmethod
    def of(cls, service: str) -> Dockerfile:
        """A service's."""
        return cls.parse((ROOT / "services" / service / "Dockerfile").read_text())

    @classmethod
    def parse(cls, text: str) -> Dockerfile:
        """Read one."""
        arguments: dict[str, str] = {}
        stages: list[Stage] = []
        for line in _CONTINUED.sub(" ", _COMMENT.sub("", text)).splitlines():
            name, _, rest = line.strip().partition(" ")
            if name.upper() == "FROM":
                base, _, stage = rest.partition(" AS ")
                stages.append(Stage(base, stage or None, ()))
            elif stages and name:
                last = stages.pop()
                instruction = Instruction(name.upper(), rest.strip())
                stages.append(Stage(last.base, last.name, (*last.instructions, instruction)))
            elif name:
                assert name == "ARG", f"{name} before the first FROM"
                key, _, default = rest.partition("=")
                arguments[key] = default
        return cls(text, arguments, tuple(stages))

    @property
    def image(self) -> Stage:
        """The last stage, which is the image."""
        return self.stages[-1]
