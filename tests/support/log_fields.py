"""The fields that log lines carry besides what all have: every ``extra`` of every call of a logger in the code."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from support.metric_catalogue import ROOT


def fields() -> set[str]:
    """Their names, of libraries and services."""
    return {
        name for folder in ("libs", "services") for path in (ROOT / folder).rglob("*.py") for name in _fields_in(path)
    }


def _fields_in(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text())
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and _is_logger(node.func.value):
            for keyword in node.keywords:
                if keyword.arg == "extra":
                    yield from _keys(keyword.value, tree)


def _is_logger(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and node.id in {"_log", "log", "logger"}


def _keys(value: ast.expr, tree: ast.Module) -> Iterator[str]:
    """The keys of a dictionary where it is written, or of what is put into the name that stands for it."""
    if isinstance(value, ast.Name | ast.Attribute | ast.Call):
        yield from _keys_of_name(ast.unparse(value).partition("(")[0].rpartition(".")[2], tree)
    for node in ast.walk(value):
        if isinstance(node, ast.Dict):
            for key, held in zip(node.keys, node.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value
                elif key is None and isinstance(held, ast.Call):
                    yield from _keys(held, tree)


def _keys_of_name(name: str, tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        targets: list[ast.expr] = []
        if isinstance(node, ast.Assign):
            targets = node.targets
        elif isinstance(node, ast.AnnAssign):
            targets = [node.target]
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            if any(ast.unparse(target).rpartition(".")[2] == name for target in targets):
                yield from _keys(node.value, tree)
        elif isinstance(node, ast.FunctionDef) and node.name == name:
            for one in ast.walk(node):
                if isinstance(one, ast.Return) and one.value is not None:
                    yield from _keys(one.value, tree)
