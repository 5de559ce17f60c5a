"""From a declaration and what is stored: what has to be written. Nothing is written here.

One rule: *the declaration of a resource is applied, whole, when it is new or has changed since it was last applied.*
What was applied is in the record, as a digest. So what is changed through the API stays until the declaration of that
very resource changes, any number of controllers come to the same end, and a restart reverts no change. What is not
there is new: a resource that was deleted through the API is made again by a restart. What a declaration leaves out has
its default, but for names and credentials: those stay as they are.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

from understudy_controller.api import resources
from understudy_controller.api.models import ConfigureLogsRequest
from understudy_controller.declare.declaration import Declaration, DeclarationInvalid, Declared, Pair
from understudy_controller.declare.document import Problem
from understudy_controller.declare.models import DeclaredChannel, DeclaredOriginEndpoint
from understudy_domain import keys
from understudy_domain.channel import Channel, IngestEndpoint, OriginEndpoint
from understudy_domain.ticks import TICKS_PER_SECOND
from understudy_runtime.config_store import ConfigStore, Versioned

R = TypeVar("R", Channel, OriginEndpoint)
_SECOND: Final = "hlsIngest.ingestEndpoints.1.id"
AnyDeclared = Declared[DeclaredChannel] | Declared[DeclaredOriginEndpoint]


@dataclass(slots=True)
class Plan:
    """What is to be written, in this order."""

    create_channels: list[Channel] = field(default_factory=list)
    update_channels: list[tuple[Channel, int]] = field(default_factory=list)
    """With the revision that they replace."""
    create_endpoints: list[tuple[OriginEndpoint, Channel]] = field(default_factory=list)
    update_endpoints: list[tuple[OriginEndpoint, int]] = field(default_factory=list)
    delete_endpoints: list[Versioned[OriginEndpoint]] = field(default_factory=list)
    delete_channels: list[Versioned[Channel]] = field(default_factory=list)
    pinned: set[str] = field(default_factory=set)
    """Guids of what is to be created that were not made up for it."""
    kept: list[str] = field(default_factory=list)
    """Channels (ids) that would be pruned, and have origin endpoints that nobody declared."""


@dataclass(frozen=True, slots=True)
class Terms:
    """What holds for one application."""

    now: int
    """Ticks since the epoch."""
    credentials_grace: int = 0
    """Ticks."""
    prune: bool = False
    is_again: bool = False
    """Whether the same declaration was applied before, but for what it had to wait for.

    Then nothing is changed any more: another controller may have a newer file, and both would change it in turns.
    """


def plan(declaration: Declaration, store: ConfigStore, terms: Terms) -> Plan:
    """What has to be written so that what is stored is what is declared.

    Raises:
        DeclarationInvalid: it contradicts what is stored; the problems say where.
    """
    planner = _Planner(declaration, store, terms)
    for channel in declaration.channels.values():
        planner.channel(channel)
    for endpoint in declaration.origin_endpoints.values():
        planner.origin_endpoint(endpoint)
    if planner.problems:
        raise DeclarationInvalid(declaration.name, planner.problems)
    if terms.prune:
        planner.prune()
    return planner.plan


def plan_pruning(declaration: Declaration, store: ConfigStore) -> Plan:
    """What has to be deleted so that of what was declared only what is declared now is left."""
    planner = _Planner(declaration, store, Terms(now=0))
    planner.prune()
    return planner.plan


class _Planner:
    def __init__(self, declaration: Declaration, store: ConfigStore, terms: Terms) -> None:
        self.plan = Plan()
        self.problems: list[Problem] = []
        self._declaration = declaration
        self._store = store
        self._terms = terms
        self._channels: dict[str, Channel] = {}
        self._ingest_guids = {
            endpoint.id: one.value.id for one in store.channels.values() for endpoint in one.value.ingest_endpoints[1:]
        }

    # --- channels -----------------------------------------------------------------------------------------------------

    def channel(self, one: Declared[DeclaredChannel]) -> None:
        request = one.request
        stored = self._store.channels.get(request.id)
        if stored is None:
            if keys.channel_key(request.id) in self._store.unreadable:
                self._say(one, "id", "it is stored in a form that this release cannot read")
            self._must_be_free(one, "guid", request.guid)
            self._must_be_free(one, _SECOND, _second_guid(request))
            channel = self._channels[request.id] = self._whole(one, self._new(one))
            self.plan.create_channels.append(channel)
            return
        self._channels[request.id] = stored.value
        self._must_be(one, "guid", request.guid, stored.value.guid)
        second = stored.value.ingest_endpoints[1].id
        self._must_be(one, _SECOND, _second_guid(request), second)
        if stored.value.declared != one.digest and not self._terms.is_again:
            self.plan.update_channels.append((self._whole(one, stored.value), stored.revision))

    def _new(self, one: Declared[DeclaredChannel]) -> Channel:
        made = resources.new_channel(one.request, now=self._terms.now)
        guid = one.request.guid or made.guid
        ids = (guid, _second_guid(one.request) or made.ingest_endpoints[1].id)
        endpoints = (
            IngestEndpoint(guid, pair.username, pair.password)
            if pair is not None
            else dataclasses.replace(endpoint, id=guid)
            for guid, endpoint, pair in zip(ids, made.ingest_endpoints, one.pairs, strict=True)
        )
        return dataclasses.replace(made, guid=guid, ingest_endpoints=tuple(endpoints))

    def _whole(self, one: Declared[DeclaredChannel], channel: Channel) -> Channel:
        """``channel`` as it is declared."""
        request = one.request
        logs = ConfigureLogsRequest(
            ingressAccessLogs=request.ingress_access_logs, egressAccessLogs=request.egress_access_logs
        )
        endpoints = (
            endpoint if pair is None else self._rotated(endpoint, pair)
            for endpoint, pair in zip(channel.ingest_endpoints, one.pairs, strict=True)
        )
        return dataclasses.replace(
            resources.channel_with_logs(channel, logs),
            description=request.description or "",
            tags=request.tags or {},
            ingest_endpoints=tuple(endpoints),
            declared=one.digest,
        )

    def _rotated(self, endpoint: IngestEndpoint, pair: Pair) -> IngestEndpoint:
        """The ingest endpoint with the pair; that this is another one is a rotation, with its grace."""
        if (endpoint.username, endpoint.password) == (pair.username, pair.password):
            return endpoint
        until = self._terms.now + self._terms.credentials_grace
        return resources.Rotation(pair.username, pair.password, until, self._terms.now).of(endpoint)

    # --- origin endpoints ---------------------------------------------------------------------------------------------

    def origin_endpoint(self, one: Declared[DeclaredOriginEndpoint]) -> None:
        request = one.request
        channel = self._channels[request.channel_id]
        stored = self._store.origin_endpoints.get(request.id)
        if stored is None:
            if keys.origin_endpoint_key(request.id) in self._store.unreadable:
                self._say(one, "id", "it is stored in a form that this release cannot read")
            self._must_be_free(one, "guid", request.guid)
            made = self._whole_endpoint(one, channel)
            self.plan.create_endpoints.append((self._pinned(made, request.guid), channel))
            return
        present = stored.value
        self._must_be(one, "guid", request.guid, present.guid)
        self._must_be(one, "channelId", request.channel_id, present.channel_id)
        if present.declared != one.digest and not self._terms.is_again:
            made = self._whole_endpoint(one, channel)
            changed = dataclasses.replace(
                made,
                guid=present.guid,
                created_at=present.created_at,
                first_media_sequence=present.first_media_sequence,
            )
            self.plan.update_endpoints.append((changed, stored.revision))

    @staticmethod
    def _pinned(made: OriginEndpoint, guid: str | None) -> OriginEndpoint:
        """A new origin endpoint. A pinned guid may have been another installation's: its numbers are ahead of those."""
        if guid is None:
            return made
        return dataclasses.replace(made, guid=guid, first_media_sequence=made.created_at // TICKS_PER_SECOND)

    def _whole_endpoint(self, one: Declared[DeclaredOriginEndpoint], channel: Channel) -> OriginEndpoint:
        made = resources.new_origin_endpoint(one.request, channel, now=self._terms.now)
        if one.request.policy is not None:
            made = resources.endpoint_with_policy(made, one.request.policy)
        return dataclasses.replace(made, declared=one.digest)

    # --- what must not be ---------------------------------------------------------------------------------------------

    def _must_be(self, one: AnyDeclared, name: str, wanted: str | None, present: str) -> None:
        if wanted is not None and wanted != present:
            self._say(one, name, f"it is {present} and never changes: delete the resource first, or declare it so")

    def _must_be_free(self, one: AnyDeclared, name: str, guid: str | None) -> None:
        if guid is None:
            return
        self.plan.pinned.add(guid)
        found = self._store.channel_by_guid(guid) or self._store.origin_endpoint_by_guid(guid)
        owner = self._ingest_guids.get(guid) if found is None else found.value.id
        if owner is not None:
            self._say(one, name, f"{guid} belongs to {owner} already")

    def _say(self, one: AnyDeclared, name: str, message: str) -> None:
        self.problems.append(self._declaration.problem(one, name, message))

    # --- pruning ------------------------------------------------------------------------------------------------------

    def prune(self) -> None:
        """Remove what a declaration has made or taken over, and this one does not have."""
        endpoints = [one for one in self._store.origin_endpoints.values() if one.value.declared is not None]
        gone = _missing(endpoints, self._declaration.origin_endpoints)
        self.plan.delete_endpoints += gone
        going = {one.value.guid for one in gone}
        channels = [one for one in self._store.channels.values() if one.value.declared is not None]
        for channel in _missing(channels, self._declaration.channels):
            left = [one for one in self._store.origin_endpoints_of(channel.value.guid) if one.value.guid not in going]
            if left:
                self.plan.kept.append(channel.value.id)
            else:
                self.plan.delete_channels.append(channel)


def _missing(found: Iterable[Versioned[R]], declared: Iterable[str]) -> list[Versioned[R]]:
    names = set(declared)
    return [one for one in found if one.value.id not in names]


def _second_guid(request: DeclaredChannel) -> str | None:
    return None if request.hls_ingest is None else request.hls_ingest.ingest_endpoints[1].id
