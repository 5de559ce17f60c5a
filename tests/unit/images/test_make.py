"""What `make images` asks docker or podman for, shown by a program that repeats what it is told."""

from __future__ import annotations

import os
import subprocess
import tomllib

from support.dockerfile import ROOT, SERVICES


def make(*words: str) -> subprocess.CompletedProcess[str]:
    """Run make where the repository is, and in an environment that says nothing to it."""
    environment = {"PATH": os.environ["PATH"]}
    # The console's player is fetched before images are built: not here.
    return subprocess.run(
        ["make", "--silent", "--old-file=player", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )


def test_images_have_the_prefix_and_the_tag_that_are_asked_for() -> None:
    told = make("images", "CONTAINER_TOOL=echo", "REGISTRY=registry.example.com/video/", "TAG=7").stdout
    for service in SERVICES:
        assert f"--file services/{service}/Dockerfile --tag registry.example.com/video/understudy-{service}:7 " in told
    assert "--build-arg BASE_IMAGE" not in told
    assert "--build-context" not in told


def test_images_without_a_prefix_have_the_version_as_their_tag() -> None:
    told = make("images", "CONTAINER_TOOL=echo", "BASE_IMAGE=base", "SERVICES=egress").stdout
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert f"--tag understudy-egress:{version} " in told
    assert f"--build-arg VERSION={version} " in told
    assert "--build-arg BASE_IMAGE=base " in told


def test_what_packages_are_installed_in_is_the_base_unless_another_is_named() -> None:
    words = ("images", "CONTAINER_TOOL=echo", "SERVICES=egress")
    assert "BUILD_IMAGE" not in make(*words).stdout
    assert "--build-arg BUILD_IMAGE=base " in make(*words, "BASE_IMAGE=base").stdout
    assert "--build-arg BUILD_IMAGE=build " in make(*words, "BASE_IMAGE=base", "BUILD_IMAGE=build").stdout


def test_images_are_built_without_a_compiler_where_that_is_asked_for() -> None:
    words = ("images", "CONTAINER_TOOL=echo", "SERVICES=egress")
    assert "COMPILE" not in make(*words).stdout
    assert "--build-arg COMPILE=no " in make(*words, "COMPILE=no").stdout


def test_it_says_what_is_missing_where_neither_docker_nor_podman_works() -> None:
    result = make("images", "CONTAINER_TOOL=")
    assert result.returncode != 0
    assert "docker or podman, and neither works here: start one, or name it with CONTAINER_TOOL=" in result.stderr


def test_it_refuses_a_folder_without_wheels() -> None:
    result = make("images", "CONTAINER_TOOL=echo", "WHEELS=docs")
    assert result.returncode != 0
    assert "There are no wheels in docs: fetch them with make wheels WHEELS=docs" in result.stderr


def test_wheels_are_fetched_into_a_folder_that_is_named() -> None:
    result = make("wheels")
    assert result.returncode != 0
    assert "make wheels WHEELS=dist/wheels" in result.stderr
