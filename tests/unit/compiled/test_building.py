"""What the build says where it cannot be done, and when it does nothing."""

from __future__ import annotations

from pathlib import Path

import pytest
from deploy.compiled.building import CannotCompile, build, fingerprint, is_built, missing


@pytest.fixture
def package(tmp_path: Path) -> Path:
    folder = tmp_path / "understudy_domain"
    folder.mkdir()
    (folder / "fold.py").write_text("A = 1\n")
    return folder


def test_without_a_compiler_it_names_it_and_says_what_to_install(
    package: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    with pytest.raises(CannotCompile, match=r"no-such-compiler is not on the path .*apt install gcc"):
        build(package, tmp_path / "into", optimization="2")
    assert not (tmp_path / "into").exists()


def test_without_the_headers_of_python_it_names_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "sh")
    monkeypatch.setattr("sysconfig.get_path", lambda name: "/nowhere")
    assert "/nowhere/Python.h is missing" in str(missing())


def test_it_is_built_until_the_sources_or_the_level_change(package: Path, tmp_path: Path) -> None:
    into = tmp_path / "into"
    assert not is_built(package, into, optimization="2")
    into.mkdir()
    (into / "made-from").write_text(fingerprint(package, optimization="2"))
    assert is_built(package, into, optimization="2")
    assert not is_built(package, into, optimization="1")
    (package / "fold.py").write_text("A = 2\n")
    assert not is_built(package, into, optimization="2")
