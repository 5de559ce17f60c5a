"""What holds for every image, seen in the Dockerfiles: machines that build no images notice when it no longer does."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import pytest

from support.dockerfile import ROOT, SERVICES, Dockerfile

each_service = pytest.mark.parametrize("service", SERVICES)
ADDRESS = re.compile(r"https?://|--(?:extra-)?index-url|--trusted-host|PIP_\w*INDEX", re.IGNORECASE)


def test_every_service_has_a_dockerfile() -> None:
    assert {path.parent.name for path in ROOT.glob("services/*/Dockerfile")} == set(SERVICES)
    assert {path.parent.name for path in ROOT.glob("services/*/understudy_*")} == set(SERVICES)


def test_dockerfiles_differ_in_the_name_of_the_service_alone() -> None:
    assert len({Dockerfile.of(service).text.replace(service, "SERVICE") for service in SERVICES}) == 1


@each_service
def test_the_base_is_an_argument_with_a_fixed_tag(service: str) -> None:
    file = Dockerfile.of(service)
    name, _, tag = file.arguments["BASE_IMAGE"].rpartition(":")
    assert name == "docker.io/library/python"
    assert re.fullmatch(r"3\.\d+\.\d+-slim-[a-z]+", tag), f"{tag} moves, or is no slim image"
    assert file.arguments["BUILD_IMAGE"] == file.arguments["BASE_IMAGE"].replace("-slim", ""), "slim has no compiler"
    assert file.arguments["COMPILE"] == "yes"
    assert file.image.base == "${BASE_IMAGE}"
    assert {stage.base for stage in file.stages} == {"scratch", "${BUILD_IMAGE}", "${BASE_IMAGE}"}
    assert "latest" not in file.text


@each_service
def test_it_runs_as_a_user_that_is_a_number_and_not_root(service: str) -> None:
    assert Dockerfile.of(service).image.only("USER").arguments == "10001:10001"


@each_service
def test_it_starts_without_a_shell_and_with_nothing_of_the_working_directory(service: str) -> None:
    image = Dockerfile.of(service).image
    assert image.only("ENTRYPOINT").as_list() == ["python", "-P", "-m", f"understudy_{service}"]
    assert not image.all("CMD")
    assert not image.all("RUN"), "the base may have no shell"
    assert not image.all("ADD")
    assert not image.all("VOLUME")


@each_service
def test_packages_are_those_of_the_lock_by_their_hashes(service: str) -> None:
    (packages,) = (stage for stage in Dockerfile.of(service).stages if stage.name == "packages")
    run = packages.only("RUN").arguments
    for option in (
        "--require-hashes",
        "--only-binary=:all:",
        "--no-binary=nkeys",
        "--no-build-isolation",
        "--no-cache-dir",
    ):
        assert option in run
    assert run.count(" install ") == 1
    assert set(re.findall(r"--requirement=(\S+?);?(?= |$)", run)) == {
        "/requirements/build.txt",
        f"/requirements/{service}.txt",
    }


@pytest.mark.parametrize("name", [*SERVICES, "build", "compile"])
def test_every_locked_requirement_has_a_hash(name: str) -> None:
    text = (ROOT / "requirements" / f"{name}.txt").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if re.match(r"[A-Za-z0-9]", line)]
    assert lines
    assert all(re.match(r"[\w.-]+==\S+ .*--hash=sha256:[0-9a-f]{64}", line) for line in lines)


@each_service
def test_no_file_of_a_build_names_an_index(service: str) -> None:
    assert not ADDRESS.search(Dockerfile.of(service).text)
    assert not ADDRESS.search((ROOT / "requirements" / f"{service}.txt").read_text())


@each_service
def test_packages_are_a_layer_below_the_code(service: str) -> None:
    copies = [instruction.arguments for instruction in Dockerfile.of(service).image.all("COPY")]
    assert copies == [f"--from={stage} /opt/understudy /opt/understudy" for stage in ("packages", "code")]


@each_service
def test_of_our_code_it_holds_the_domain_the_runtime_and_the_service(service: str) -> None:
    (code,) = (stage for stage in Dockerfile.of(service).stages if stage.name == "code")
    sources = [instruction.arguments.rpartition(" ")[0] for instruction in code.all("COPY")]
    assert sources == [
        "--from=domain /compiled",
        "libs/understudy_runtime",
        f"services/{service}/understudy_{service}",
        "LICENSE",
    ]


@each_service
def test_the_domain_is_compiled_by_what_is_locked_or_left_as_it_is_where_that_was_asked_for(service: str) -> None:
    (domain,) = (stage for stage in Dockerfile.of(service).stages if stage.name == "domain")
    assert [one.arguments.split()[0] for one in domain.all("COPY")] == ["libs/understudy_domain"]
    run = domain.only("RUN").arguments
    assert 'if [ "$COMPILE" = no ]' in run
    for option in ("--require-hashes", "--only-binary=:all:", "--requirement=/requirements/compile.txt"):
        assert option in run
    assert "-m deploy.compiled" in run
    assert service not in run, "the layer is the same for all"


@each_service
def test_it_is_labelled(service: str) -> None:
    labels = Dockerfile.of(service).image.only("LABEL").arguments
    assert f'org.opencontainers.image.title="understudy-{service}"' in labels
    for label in ("description", "licenses", "version", "revision"):
        assert f"org.opencontainers.image.{label}=" in labels


@each_service
def test_the_context_of_a_build_has_what_is_copied_and_no_tests(service: str) -> None:
    lines = (ROOT / ".dockerignore").read_text().splitlines()
    rules = [line for line in lines if line and not line.startswith("#")]
    assert rules[0] == "*", "everything is left out that is not named"
    kept = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    file = Dockerfile.of(service)
    for source in [
        *re.findall(r"^COPY ([^- ]\S*)", file.text, re.MULTILINE),
        *re.findall(r"bind,source=([^,]+)", file.text),
    ]:
        paths = [PurePosixPath(source), *PurePosixPath(source).parents]
        assert any(path.match(pattern) for path in paths for pattern in kept), f"{source} is not in .dockerignore"
    assert not [rule for rule in kept if rule.startswith(("tests", "docs", "bench")) or "*" in rule.split("/")[:1]]
