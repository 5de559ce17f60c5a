"""``ci/everything-values.yaml`` sets every value, each to something else than its default."""

from __future__ import annotations

from deploy.helm.generator.values import read_values

from support import chart

AS_IT_COMES = {
    "containerSecurityContext": "the restricted standard leaves nothing else",
    "podSecurityContext.runAsNonRoot": "the same",
    "evaluation": "contradicts nats.url; evaluation-values.yaml has it",
    "networkPolicy.enabled": "without it nothing of the policies would be seen",
    "*.pdb.enabled": "the same",
    "*.serviceAccount.create": "the same",
    "s3.serviceAccountAnnotations": "contradicts s3.existingSecret",
    "ingest.replicas": "contradicts autoscaling, which is on",
    "egress.replicas": "the same",
    "controller.config.authentication": "contradicts controller.ingress and controller.httpRoute",
    "declared.existingSecret": "contradicts declared.channels",
    "tests.enabled": "without it nothing of the test would be seen",
}
"""Values that the file leaves alone, and why. ``*`` is any component."""

LEAVES = {value.name: value for value in read_values(chart.CHART / "values.yaml").leaves()}


def left_alone(name: str) -> bool:
    """Whether a value is among those, or below one."""
    general = name.replace(name.partition(".")[0], "*", 1)
    return any(one in {pattern, *_above(one, pattern)} for one in (name, general) for pattern in AS_IT_COMES)


def _above(name: str, pattern: str) -> set[str]:
    return {name} if name.startswith(f"{pattern}.") else set()


def test_every_value_is_set_to_something_else_than_its_default() -> None:
    values = chart.profile_values("everything")
    missing, same = [], []
    for name, value in LEAVES.items():
        found = values
        for key in value.path[:-1]:
            found = found.get(key) or {}
        if value.path[-1] not in found:
            missing.append(name)
        elif found[value.path[-1]] == value.default:
            same.append(name)
    assert [name for name in missing if not left_alone(name)] == []
    assert [name for name in same if not left_alone(name)] == []


def test_what_is_left_alone_is_a_value() -> None:
    names = {f"*{name.removeprefix(name.partition('.')[0])}" for name in LEAVES} | set(LEAVES)
    for pattern in AS_IT_COMES:
        assert any(name == pattern or name.startswith(f"{pattern}.") for name in names), pattern
