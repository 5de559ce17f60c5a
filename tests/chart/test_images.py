"""What the chart runs is what `make images` builds."""

from __future__ import annotations

import json
import re

import pytest

from support import chart

REPOSITORY = chart.CHART.parents[2]


def deployment(component: str) -> chart.Object:
    """A component's deployment as it comes."""
    return chart.named(chart.render_profile("production"), "Deployment", f"live-understudy-{component}")


def instruction(component: str, name: str) -> str:
    """The last of an image's instructions of a name: the one that holds."""
    lines = (REPOSITORY / "services" / component / "Dockerfile").read_text().splitlines()
    return [line for line in lines if line.startswith(f"{name} ")][-1].removeprefix(f"{name} ")


@pytest.mark.parametrize("component", chart.COMPONENTS)
def test_a_pod_runs_the_program_of_its_image_as_the_user_of_its_image(component: str) -> None:
    spec = deployment(component)["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    assert container["command"] == json.loads(instruction(component, "ENTRYPOINT"))
    context = spec["securityContext"]
    assert f"{context['runAsUser']}:{context['runAsGroup']}" == instruction(component, "USER")
    assert [str(port["containerPort"]) for port in container["ports"]] == [instruction(component, "EXPOSE")]


@pytest.mark.parametrize("component", chart.COMPONENTS)
def test_an_image_has_the_name_that_make_gives_it(component: str) -> None:
    makefile = (REPOSITORY / "Makefile").read_text()
    prefix = re.search(r"^IMAGE_PREFIX = .*\)(\S+-)$", makefile, re.MULTILINE)
    assert prefix is not None
    (container,) = deployment(component)["spec"]["template"]["spec"]["containers"]
    assert container["image"].partition(":")[0] == f"{prefix[1]}{component}"
