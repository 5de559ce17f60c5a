"""What the services are told is what they understand: values, environment and the settings classes agree."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from deploy.helm.generator.settings import COMPONENTS, camel, field_of
from deploy.helm.generator.values import read_values

from support import chart
from support.certificates import Authority
from support.nats_accounts import User
from understudy_runtime.settings import CommonSettings

Parsed = Callable[[str, dict[str, str]], CommonSettings]

LEAVES = {value.path: value.default for value in read_values(chart.CHART / "values.yaml").leaves()}
SETTINGS = {path: field_of(path) for path in LEAVES}

SET_BY_THE_CHART = {
    "listen_port": "fixed: the ports of pods, Services and policies agree on it",
    "listen_fd": "no supervisor passes a socket on in a pod",
    "s3_access_key_id": "from s3.existingSecret",
    "s3_secret_access_key": "from s3.existingSecret",
    "harvest_s3_access_key_id": "from harvester.s3.existingSecret",
    "harvest_s3_secret_access_key": "from harvester.s3.existingSecret",
}
"""Fields that no value of their own sets, and why."""

OF_OTHER_VALUES = {
    "nats_credentials_file": "from nats.auth",
    "nats_user": "from nats.auth",
    "nats_password": "from nats.auth",
    "nats_token": "from nats.auth",
    "nats_tls_ca_file": "from nats.tls.caSecret",
    "nats_tls_certificate_file": "from nats.tls.clientSecret",
    "nats_tls_key_file": "from nats.tls.clientSecret",
    "s3_tls_ca_file": "from s3.tls.caSecret",
    "access_keys_file": "from controller.accessKeys",
    "declared_file": "from declared",
    "webhooks_file": "from controller.webhooks",
    "secrets_directory": "from egress.cdnSecrets",
}
"""What comes from secrets, and the paths where the chart mounts something."""

OF_PRODUCTION = {
    *("nats_url", "nats_replicas", "s3_bucket", "drain_delay_seconds"),
    *("ingest_public_url", "egress_public_url"),
}
"""Fields whose default is for a machine of its own, and not for a cluster."""

FIELDS = [(name, field) for name, kind in COMPONENTS.items() for field in kind.model_fields]


def paths_of(component: str, field: str) -> list[tuple[str, ...]]:
    """The values that set a field of a component's settings."""
    wanted = {(COMPONENTS[component], field), (CommonSettings, field)}
    return [path for path, setting in SETTINGS.items() if setting in wanted]


@pytest.mark.parametrize(("component", "field"), FIELDS)
def test_every_setting_of_a_service_has_a_value(component: str, field: str) -> None:
    found = [path for path in paths_of(component, field) if path[0] in {component, "config", "nats", "s3"}]
    assert bool(found) != (field in SET_BY_THE_CHART or field in OF_OTHER_VALUES)


def test_every_value_among_the_settings_is_one() -> None:
    unknown = [path for path in LEAVES if "config" in path[:2] and field_of(path) is None]
    assert unknown == []


@pytest.mark.parametrize("path", [path for path in LEAVES if SETTINGS[path]], ids=".".join)
def test_a_setting_has_the_default_of_the_service(path: tuple[str, ...]) -> None:
    setting = field_of(path)
    assert setting is not None
    owner, field = setting
    shared_and_own = path[0] in COMPONENTS and field in CommonSettings.model_fields
    if field not in OF_PRODUCTION:
        assert LEAVES[path] == (None if shared_and_own else owner.model_fields[field].default)


def environment(container: chart.Object) -> dict[str, str]:
    """The variables of a container; what comes from a secret has a word in its place."""
    return {one["name"]: one.get("value", "from-a-secret") for one in container.get("env", [])}


def services(profile: str) -> Iterator[tuple[str, dict[str, str]]]:
    """Each service's component and environment in a profile."""
    for _, pod in chart.pod_templates(chart.render_profile(profile)):
        for container in chart.containers(pod):
            if container["name"] in COMPONENTS:
                yield container["name"], environment(container)


@pytest.fixture(scope="session")
def mounted(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A file such as a secret would hold, for each folder that one is mounted in, or for each file in it."""
    folder = tmp_path_factory.mktemp("mounted")
    authority = Authority(folder)
    client = authority.issue("client")
    (folder / "nats.creds").write_text(User(1).seed)
    return {
        "nats-credentials": folder / "nats.creds",
        "nats-ca": authority.ca_file,
        "nats-client/tls.crt": client.certificate_file,
        "nats-client/tls.key": client.key_file,
        "s3-ca": authority.ca_file,
    }


@pytest.fixture
def parsed(mounted: dict[str, Path], monkeypatch: pytest.MonkeyPatch) -> Parsed:
    """Reads settings as a service would, from an environment of these variables alone and the files they lead to."""

    def parse(component: str, variables: dict[str, str]) -> CommonSettings:
        with monkeypatch.context() as patch:
            for name, value in variables.items():
                file = value.removeprefix("/etc/understudy/")
                patch.setenv(name, str(mounted.get(file) or mounted.get(file.partition("/")[0]) or value))
            return COMPONENTS[component]()

    return parse


@pytest.mark.parametrize("profile", chart.profiles())
def test_what_a_service_is_told_is_a_setting_and_parses(profile: str, parsed: Parsed) -> None:
    seen = set()
    for component, variables in services(profile):
        known = {f"UNDERSTUDY_{field.upper()}" for field in COMPONENTS[component].model_fields}
        assert {name for name in variables if name.startswith("UNDERSTUDY_")} <= known
        assert parsed(component, variables)
        seen.add(component)
    assert seen == set(COMPONENTS)


@pytest.mark.parametrize("profile", chart.profiles())
def test_no_variable_is_set_twice(profile: str) -> None:
    for _, pod in chart.pod_templates(chart.render_profile(profile)):
        for container in chart.containers(pod):
            names = [one["name"] for one in container.get("env", [])]
            assert len(names) == len(set(names))


@pytest.mark.parametrize("component", COMPONENTS)
def test_every_value_reaches_the_setting_that_it_is_named_for(component: str, parsed: Parsed) -> None:
    values = chart.profile_values("everything")
    told = [parsed(name, variables) for name, variables in services("everything") if name == component]
    for field in COMPONENTS[component].model_fields:
        for path in paths_of(component, field):
            wanted = value_at(values, (component, "config", camel(field))) or value_at(values, path)
            found = [getattr(one, field) for one in told]
            assert [str(one) if isinstance(one, Path) else one for one in found] == [wanted] * len(told), path


def value_at(values: Any, path: tuple[str, ...]) -> Any:
    """What stands at a path of values; None where nothing does."""
    for key in path:
        values = (values or {}).get(key)
    return values


@pytest.mark.parametrize(
    ("number", "text"), [(67108864, "67108864"), (0.25, "0.25"), (2592000.0, "2592000"), (1e-05, "1e-05")]
)
def test_numbers_are_written_so_that_a_service_reads_them(number: float, text: str, parsed: Parsed) -> None:
    values = chart.profile_values("production") | {"ingest": {"config": {"stallSeconds": number}}}
    deployment = chart.named(chart.render(values), "Deployment", "live-understudy-ingest")
    variables = environment(deployment["spec"]["template"]["spec"]["containers"][0])
    assert variables["UNDERSTUDY_STALL_SECONDS"] == text
    assert parsed("ingest", variables).model_dump()["stall_seconds"] == number
