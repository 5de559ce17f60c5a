"""From a declaration and what is stored to what is written: when, and when not."""

from __future__ import annotations

import dataclasses
from textwrap import dedent

import pytest

from understudy_controller.api import resources
from understudy_controller.api.models import CreateChannelRequest
from understudy_controller.declare.declaration import Declaration, DeclarationInvalid, parse_declaration
from understudy_controller.declare.plan import Plan, Terms, plan, plan_pruning
from understudy_domain import codec, keys
from understudy_domain.channel import AccessLogs, Channel, FormerCredentials, OriginEndpoint
from understudy_domain.policy import PolicyKind
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.config_store import ConfigStore
from understudy_runtime.jetstream import Bus
from understudy_runtime.kv import Entry
from understudy_runtime.settings import CommonSettings

NOW = 1_700_000_000 * 90_000
GUID, SECOND, THIRD = "0" * 31 + "a", "0" * 31 + "b", "0" * 31 + "c"

NEWS = f"""
channels:
  - id: news
    guid: {GUID}
    description: The news
    egressAccessLogs: {{}}
    hlsIngest:
      ingestEndpoints:
        - {{username: one, password: first}}
        - {{id: {SECOND}}}
originEndpoints:
  - id: news-hls
    channelId: news
    guid: {THIRD}
    timeDelaySeconds: 10
    hlsPackage: {{segmentDurationSeconds: 4}}
    policy: {{policy: pinned, input: 2}}
"""


class Stored:
    """A configuration in memory, without a bus."""

    def __init__(self, *stored: Channel | OriginEndpoint) -> None:
        self.store = ConfigStore(Bus(CommonSettings(), name="test"))
        self._revision = 0
        for one in stored:
            self.put(one)

    def put(self, one: Channel | OriginEndpoint) -> None:
        key = keys.channel_key(one.id) if isinstance(one, Channel) else keys.origin_endpoint_key(one.id)
        self._revision += 1
        self.store._apply(Entry(key, codec.encode(one), self._revision))

    def apply(self, what: Plan) -> None:
        for channel in (*what.create_channels, *(changed for changed, _ in what.update_channels)):
            self.put(channel)
        for endpoint, _ in (*what.create_endpoints, *what.update_endpoints):
            self.put(endpoint)

    def plan(self, text: str, *, prune: bool = False, grace: int = 0) -> Plan:
        return plan(declared(text), self.store, Terms(NOW, credentials_grace=grace, prune=prune))

    def channel(self, channel_id: str = "news") -> Channel:
        return self.store.channels[channel_id].value

    def endpoint(self, endpoint_id: str = "news-hls") -> OriginEndpoint:
        return self.store.origin_endpoints[endpoint_id].value


def declared(text: str) -> Declaration:
    return parse_declaration(dedent(text), name="d.yaml", read_secret=None)


def is_nothing(what: Plan) -> bool:
    return what == Plan(pinned=what.pinned)


@pytest.fixture
def stored() -> Stored:
    """With NEWS applied."""
    stored = Stored()
    stored.apply(stored.plan(NEWS))
    return stored


def new_channel(channel_id: str) -> Channel:
    return resources.new_channel(CreateChannelRequest(id=channel_id), now=NOW)


def test_what_is_declared_is_created_with_its_names_and_credentials() -> None:
    what = Stored().plan(NEWS)
    (channel,) = what.create_channels
    ((endpoint, of),) = what.create_endpoints
    first, second = channel.ingest_endpoints
    assert (channel.guid, channel.description, channel.created_at) == (GUID, "The news", NOW)
    assert channel.egress_access_logs == AccessLogs("/aws/MediaPackage/EgressAccessLogs")
    assert channel.ingress_access_logs is None
    assert (first.id, first.username, first.password) == (GUID, "one", "first")
    assert second.id == SECOND
    assert len(second.password) == 32, "what is not pinned is left to chance"
    assert of is channel
    assert (endpoint.guid, endpoint.channel_guid, endpoint.time_delay_seconds) == (THIRD, GUID, 10)
    assert endpoint.hls_package.segment_duration_seconds == 4
    assert (endpoint.policy, endpoint.policy_input) == (PolicyKind.PINNED, 2)
    assert what.pinned == {GUID, SECOND, THIRD}
    assert None not in (channel.declared, endpoint.declared)


def test_what_is_applied_needs_nothing_more(stored: Stored) -> None:
    assert is_nothing(stored.plan(NEWS))
    assert is_nothing(stored.plan(NEWS + "# a remark\n"))


def test_what_the_api_changed_stays_until_that_declaration_changes(stored: Stored) -> None:
    stored.put(dataclasses.replace(stored.channel(), description="by hand"))
    stored.put(dataclasses.replace(stored.endpoint(), time_delay_seconds=0, policy=PolicyKind.STICKY))
    assert is_nothing(stored.plan(NEWS))
    what = stored.plan(NEWS.replace("The news", "Our news"))
    ((channel, _),) = what.update_channels
    assert channel.description == "Our news"
    assert what.update_endpoints == [], "another resource's declaration is as it was"


def test_a_changed_declaration_is_applied_whole_and_keeps_names_and_credentials(stored: Stored) -> None:
    before = stored.channel()
    shorter = NEWS.replace("    description: The news\n    egressAccessLogs: {}\n", "").replace(
        "    timeDelaySeconds: 10\n", ""
    )
    what = stored.plan(shorter.replace("{policy: pinned, input: 2}", "{policy: sticky}"))
    ((channel, _),) = what.update_channels
    ((endpoint, _),) = what.update_endpoints
    assert (channel.description, channel.egress_access_logs) == ("", None)
    assert channel.ingest_endpoints == before.ingest_endpoints
    assert (endpoint.guid, endpoint.time_delay_seconds, endpoint.policy) == (THIRD, 0, PolicyKind.STICKY)


def test_another_password_is_a_rotation_with_its_grace(stored: Stored) -> None:
    before = stored.channel().ingest_endpoints
    ((channel, _),) = stored.plan(NEWS.replace("password: first", "password: other"), grace=90_000).update_channels
    first, second = channel.ingest_endpoints
    assert (first.username, first.password) == ("one", "other")
    assert first.former == FormerCredentials("one", "first", NOW + 90_000)
    assert second == before[1]


def test_numbers_begin_with_the_second_of_creation_under_a_pinned_guid_and_stay_so(stored: Stored) -> None:
    second = NOW // TICKS_PER_SECOND
    assert stored.endpoint().first_media_sequence == second > 0
    ((endpoint, _),) = stored.plan(NEWS.replace("timeDelaySeconds: 10", "timeDelaySeconds: 20")).update_endpoints
    assert (endpoint.time_delay_seconds, endpoint.first_media_sequence) == (20, second)
    ((endpoint, _),) = Stored().plan(NEWS.replace(f"    guid: {THIRD}\n", "")).create_endpoints
    assert endpoint.first_media_sequence == 0, "nobody has published anything under a guid that is new"


def test_what_was_made_through_the_api_is_taken_over() -> None:
    made = new_channel("sport")
    ((channel, revision),) = Stored(made).plan("channels: [{id: sport, description: d}]").update_channels
    assert revision == 1
    assert (channel.guid, channel.ingest_endpoints, channel.description) == (made.guid, made.ingest_endpoints, "d")
    assert channel.declared is not None


def test_what_was_deleted_by_hand_is_created_again(stored: Stored) -> None:
    stored.store._apply(Entry(keys.origin_endpoint_key("news-hls"), None, 99))
    ((endpoint, _),) = stored.plan(NEWS).create_endpoints
    assert endpoint.guid == THIRD


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (f"guid: {GUID}", f"guid: {'f' * 32}", f"d.yaml:4: channel news: guid: it is {GUID} and never changes"),
        (f"guid: {THIRD}", f"guid: {'f' * 32}", f"d.yaml:14: origin endpoint news-hls: guid: it is {THIRD} and"),
        (f"id: {SECOND}", f"id: {'f' * 32}", "d.yaml:10: channel news: hlsIngest.ingestEndpoints.1.id: it is "),
    ],
)
def test_what_never_changes_is_refused_with_its_line(stored: Stored, old: str, new: str, told: str) -> None:
    with pytest.raises(DeclarationInvalid) as refused:
        stored.plan(NEWS.replace(old, new))
    assert str(refused.value).startswith(told), refused.value


def test_a_guid_of_another_resource_is_refused(stored: Stored) -> None:
    for guid in (GUID, SECOND, THIRD):
        with pytest.raises(DeclarationInvalid, match="belongs to news"):
            stored.plan(f"channels: [{{id: sport, guid: {guid}}}]")


def test_an_endpoint_does_not_move_to_another_channel(stored: Stored) -> None:
    text = NEWS.replace("channelId: news", "channelId: sport").replace(
        "originEndpoints:", "  - id: sport\noriginEndpoints:"
    )
    with pytest.raises(DeclarationInvalid, match="channelId: it is news and never changes"):
        stored.plan(text)


def test_what_cannot_be_read_is_not_overwritten(stored: Stored) -> None:
    stored.store._apply(Entry(keys.channel_key("sport"), b"{}", 99))
    with pytest.raises(DeclarationInvalid, match="a form that this release cannot read"):
        stored.plan("channels: [{id: sport}]")


def test_only_what_a_file_has_declared_is_pruned_and_only_when_asked(stored: Stored) -> None:
    stored.put(new_channel("by-hand"))
    assert is_nothing(stored.plan("channels: []"))
    what = stored.plan("channels: []", prune=True)
    assert [one.value.id for one in what.delete_endpoints] == ["news-hls"]
    assert [one.value.id for one in what.delete_channels] == ["news"]


def test_a_channel_with_an_endpoint_that_no_file_declared_is_not_pruned(stored: Stored) -> None:
    stored.put(dataclasses.replace(stored.endpoint(), id="by-hand", guid="d" * 32, declared=None))
    what = stored.plan("channels: []", prune=True)
    assert (what.delete_channels, what.kept) == ([], ["news"])
    assert [one.value.id for one in what.delete_endpoints] == ["news-hls"]


def test_what_is_applied_again_changes_nothing_that_is_there(stored: Stored) -> None:
    newer = NEWS.replace("The news", "Our news").replace("timeDelaySeconds: 10", "timeDelaySeconds: 20")
    stored.put(stored.plan(newer).update_channels[0][0])
    stored.put(stored.plan(newer).update_endpoints[0][0])
    again = plan(declared(NEWS), stored.store, Terms(NOW, is_again=True))
    assert is_nothing(again), "another controller has a newer file, and would change it back"


def test_pruning_alone_neither_makes_nor_changes_a_thing(stored: Stored) -> None:
    what = plan_pruning(declared("channels: [{id: news, description: other}, {id: new}]"), stored.store)
    assert [one.value.id for one in what.delete_endpoints] == ["news-hls"]
    assert what == Plan(delete_endpoints=what.delete_endpoints)
