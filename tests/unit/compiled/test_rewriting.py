"""How dataclasses are written out before they are compiled: looked at interpreted, as what is written is Python too."""

from __future__ import annotations

import ast
import dataclasses
import sys
import types
from pathlib import Path
from typing import Any

import pytest
from deploy.compiled.choice import INTERPRETED, compiled_modules, modules_of
from deploy.compiled.rewriting import CannotRewrite, Classes, rewritten

PACKAGE = Path(__file__).resolve().parents[3] / "libs" / "understudy_domain"
TEXTS = {name: path.read_text() for name, path in modules_of(PACKAGE).items()}
CHOSEN = tuple(compiled_modules(PACKAGE))

HEAD = "from __future__ import annotations\nfrom dataclasses import dataclass, field\n\n\n"


def _written(text: str) -> str:
    return rewritten(HEAD + text, module="m", classes=Classes({"m": HEAD + text}))


def _loaded(text: str, **scope: Any) -> Any:
    module = types.ModuleType("rewritten_for_a_test")
    vars(module).update(scope)
    sys.modules[module.__name__] = module
    exec(_written(text), vars(module))
    return module


@pytest.mark.parametrize("module", CHOSEN)
def test_every_line_of_a_module_stays_where_it_is(module: str) -> None:
    text = rewritten(TEXTS[module], module=module, classes=Classes(TEXTS))
    before, after = TEXTS[module].splitlines(), text.splitlines()
    changed = [number for number, line in enumerate(before) if line and after[number] != line]
    # Nothing but decorators: all else that is written stands on lines that were empty.
    decorators = {
        number
        for node in ast.walk(ast.parse(TEXTS[module]))
        if isinstance(node, ast.ClassDef)
        for one in node.decorator_list
        for number in range(one.lineno - 1, (one.end_lineno or one.lineno))
    }
    assert set(changed) <= decorators


def test_what_decides_is_compiled_and_what_is_left_out_is_not() -> None:
    assert {"understudy_domain.fold", "understudy_domain.deciding", "understudy_domain.timeline"} <= set(CHOSEN)
    assert not set(INTERPRETED) & set(CHOSEN)
    assert not [name for name in CHOSEN if name.startswith("understudy_domain.keys")]


def test_objects_are_equal_as_dataclasses_make_them() -> None:
    module = _loaded('''@dataclass(frozen=True, slots=True)
class One:
    """A class."""

    a: int
    b: str = "b"
    c: list[int] = field(default_factory=list, compare=False)


@dataclass(slots=True)
class Other:
    """Another."""

    a: int
    b: str = "b"
''')  # fmt: skip
    one, same = module.One(1), module.One(1, c=[3])
    assert one == same
    assert hash(one) == hash(same)
    assert one != module.One(2)
    assert one.__eq__(module.Other(1)) is NotImplemented
    assert [field.name for field in dataclasses.fields(one)] == ["a", "b", "c"]
    assert one.c is not module.One(1).c
    assert repr(one) == "One(a=1, b='b', c=[])"
    with pytest.raises(TypeError):
        hash(module.Other(1))


def test_what_comes_after_init_comes_also_from_a_base() -> None:
    module = _loaded('''class Base:
    """Keeps."""

    def __post_init__(self) -> None:
        self.kept = 5


@dataclass
class One(Base):
    """A class."""

    a: int
''')  # fmt: skip
    assert module.One(1).kept == 5


def test_decorators_that_register_a_class_are_called_at_the_end() -> None:
    seen: list[tuple[str, type]] = []
    module = _loaded('''@record("one", version=2)
@row
@unguarded
@dataclass(frozen=True, slots=True)
class One:
    """A class."""

    a: int
''', record=lambda name, version: lambda cls: seen.append((f"{name} {version}", cls)),
    row=lambda cls: seen.append(("row", cls)))  # fmt: skip
    assert seen == [("row", module.One), ("one 2", module.One)]
    assert module.One.__annotations__ == {"a": "int"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("@dataclass(order=True)\nclass One:\n    a: int\n", "order"),
        ("@surprising\n@dataclass\nclass One:\n    a: int\n", "surprising"),
        ("@dataclass(frozen=True)\nclass One:\n    a: int\n", "no room"),
        ("@dataclass\nclass One:\n    a: int\nx = 1\n", "no room"),
        ("@dataclass\nclass One:\n    a: int = field(kw_only=True)\n", "kw_only"),
        ("@dataclass\nclass One:\n    a: int | None = field(default_factory=int)\n", "may be None"),
        ("@dataclass\nclass One:\n    a: int\n\n\n@dataclass\nclass Two(One):\n    b: int\n", "inherits"),
        ("@dataclass\nclass One:\n    a: int = field(init=False)\n", "nothing sets"),
    ],
)
def test_what_is_not_known_is_refused_and_not_compiled_into_something_else(text: str, told: str) -> None:
    with pytest.raises(CannotRewrite, match=f"m, line .*: .*{told}"):
        _written(text)
