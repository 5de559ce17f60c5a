"""What a file declares, checked as the API checks requests, all of it before any of it is used."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

from pydantic import BaseModel, ValidationError

from understudy_controller.api import resources
from understudy_controller.api.errors import NotHonouredYet, sentence
from understudy_controller.api.honoured import refuse_what_cannot_be_created
from understudy_controller.declare.document import Document, Path, Problem, read_yaml
from understudy_controller.declare.models import (
    DeclaredChannel,
    DeclaredFile,
    DeclaredIngestEndpoint,
    DeclaredOriginEndpoint,
)
from understudy_domain.channel import Channel, IngestEndpoint
from understudy_domain.errors import InvalidResource, UnderstudyError

M = TypeVar("M", DeclaredChannel, DeclaredOriginEndpoint)

ReadSecret = Callable[[str], str]
"""The content of a file that the declaration names; raises ValueError, whose text says what is wrong."""

_ANY_CHANNEL: Final = Channel("any", "0" * 32, (IngestEndpoint("0" * 32, "u", "p"),) * 2, 0)


class DeclarationInvalid(UnderstudyError):
    """A file of declared resources is wrong; ``problems`` says all that is, in order of lines."""

    code = "declaration_invalid"
    status = 422

    def __init__(self, name: str, problems: Sequence[Problem]) -> None:
        self.problems = sorted(problems)
        super().__init__("\n".join(f"{name}:{one.line}: {one.message}" for one in self.problems))


@dataclass(frozen=True, slots=True)
class Pair:
    """Credentials of an ingest endpoint."""

    username: str
    password: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Declared(Generic[M]):
    """One resource of the file."""

    request: M = field(repr=False)
    """It may hold passwords."""
    path: Path
    pairs: tuple[Pair | None, ...]
    """Of a channel's ingest endpoints: what is pinned; None: left to chance, or as it is."""
    digest: str
    """Of all that is declared of it: another one means that the declaration has changed."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """A whole file that is right in itself."""

    name: str
    document: Document = field(repr=False)
    """It may hold passwords."""
    channels: Mapping[str, Declared[DeclaredChannel]]
    origin_endpoints: Mapping[str, Declared[DeclaredOriginEndpoint]]

    def problem(self, one: Declared[Any], name: str, message: str) -> Problem:
        """Something that is wrong with a resource's field, once it is held against what there is."""
        return Problem(self.document.line_of((*one.path, *_parts(name))), f"{_label(one.request)}: {name}: {message}")


def parse_declaration(text: str, *, name: str, read_secret: ReadSecret | None) -> Declaration:
    """The declaration in ``text``; ``name`` is the file's, for messages.

    ``read_secret`` None: files that it names are not looked into, as where it is checked they may not be.

    Raises:
        DeclarationInvalid: with everything that is wrong.
    """
    document = read_yaml(text)
    if document.problems and document.value is None:
        raise DeclarationInvalid(name, document.problems)
    parser = _Parser(document, read_secret)
    declaration = parser.declaration(name)
    if document.problems:
        raise DeclarationInvalid(name, document.problems)
    return declaration


class _Parser:
    def __init__(self, document: Document, read_secret: ReadSecret | None) -> None:
        self._document = document
        self._problems = document.problems
        self._read_secret = read_secret

    def declaration(self, name: str) -> Declaration:
        try:
            file = DeclaredFile.model_validate(self._document.value)
        except ValidationError as err:
            self._add(err, (), "")
            file = DeclaredFile()
        channels = self._all(DeclaredChannel, file.channels or [], "channels")
        endpoints = self._all(DeclaredOriginEndpoint, file.origin_endpoints or [], "originEndpoints")
        # Of a channel that is declared wrongly it is enough to hear once.
        known = [item.get("id") for item in file.channels or [] if isinstance(item, dict)]
        for endpoint in endpoints.values():
            if endpoint.request.channel_id not in known:
                words = f"no channel {endpoint.request.channel_id} is declared in this file"
                self._say(endpoint.path, endpoint.request, "channelId", words)
            self._check_endpoint(endpoint)
        self._check_guids([*channels.values(), *endpoints.values()])
        return Declaration(name, self._document, channels, endpoints)

    def _all(self, model: type[M], items: Sequence[Any], kind: str) -> dict[str, Declared[M]]:
        found: dict[str, Declared[M]] = {}
        lines: dict[object, int] = {}
        for index, item in enumerate(items):
            path: Path = (kind, index)
            try:
                request = model.model_validate(item)
            except ValidationError as err:
                named = item.get("id") if isinstance(item, dict) else None
                self._add(err, path, f"{_KINDS[model]} {named}: " if isinstance(named, str) else f"{kind}[{index}]: ")
                continue
            pairs = self._pairs(request, path)
            if request.id in lines:
                self._say(path, request, "id", f"this id is declared in line {lines[request.id]} already")
            lines[request.id] = self._document.line_of(path)
            found[request.id] = Declared(request, path, pairs, _digest(request, pairs))
        return found

    def _add(self, err: ValidationError, path: Path, label: str) -> None:
        for error in err.errors(include_url=False):
            below = tuple(part for part in error["loc"] if part != "[key]")
            value = error.get("input")
            hint = "; put it in quotes" if error["type"] == "string_type" and isinstance(value, int | float) else ""
            if error["type"] in ("model_type", "dict_type"):
                error["msg"] = "should be a mapping of names to values"
            words = sentence([{**error, "loc": ("body", *below)}]).replace("request body: ", "")
            self._problems.append(Problem(self._document.line_of((*path, *below)), f"{label}{words}{hint}"))

    def _say(self, path: Path, request: BaseModel, field: str, message: str) -> None:
        line = self._document.line_of((*path, *_parts(field)))
        self._problems.append(Problem(line, f"{_label(request)}: {field}: {message}"))

    # --- what the fields say together ---------------------------------------------------------------------------------

    def _check_endpoint(self, one: Declared[DeclaredOriginEndpoint]) -> None:
        request = one.request
        try:
            refuse_what_cannot_be_created(request)
        except (InvalidResource, NotHonouredYet) as err:
            for message in str(err).split("; "):
                self._refuse(one, one.path, message)
        try:
            endpoint = resources.new_origin_endpoint(request, _ANY_CHANNEL, now=0)
        except InvalidResource as err:
            self._refuse(one, one.path, str(err))
            return
        if request.policy is not None:
            try:
                resources.endpoint_with_policy(endpoint, request.policy)
            except InvalidResource as err:
                self._refuse(one, (*one.path, "policy"), f"policy.{err}")

    def _refuse(self, one: Declared[DeclaredOriginEndpoint], path: Path, message: str) -> None:
        line = self._document.line_of_named(path, message.removeprefix("policy."))
        self._problems.append(Problem(line, f"{_label(one.request)}: {message}"))

    def _check_guids(self, all_of_them: Sequence[Declared[Any]]) -> None:
        used: dict[str, str] = {}
        for one in all_of_them:
            for name, guid in _guids(one.request):
                if guid in used:
                    self._say(one.path, one.request, name, f"{guid} is the guid of {used[guid]} already")
                used[guid] = _label(one.request)

    # --- credentials --------------------------------------------------------------------------------------------------

    def _pairs(self, request: BaseModel, path: Path) -> tuple[Pair | None, ...]:
        if not isinstance(request, DeclaredChannel):
            return ()
        channel = request
        if channel.hls_ingest is None:
            return (None, None)
        first, _ = channel.hls_ingest.ingest_endpoints
        if first.id is not None and first.id != channel.guid:
            self._say(path, channel, f"{_INGEST}.0.id", "the first ingest endpoint's is the channel's guid")
        return tuple(
            self._pair(channel, path, f"{_INGEST}.{index}", endpoint)
            for index, endpoint in enumerate(channel.hls_ingest.ingest_endpoints)
        )

    def _pair(self, channel: DeclaredChannel, path: Path, at: str, endpoint: DeclaredIngestEndpoint) -> Pair | None:
        username = self._secret(channel, path, f"{at}.username", endpoint.username, endpoint.username_file)
        password = self._secret(channel, path, f"{at}.password", endpoint.password, endpoint.password_file)
        if (username is None) != (password is None):
            missing = "password" if password is None else "username"
            self._say(path, channel, f"{at}.{missing}", "required, credentials are pinned as a pair")
        return None if username is None or password is None else Pair(username, password)

    def _secret(
        self, channel: DeclaredChannel, path: Path, field: str, inline: str | None, file_name: str | None
    ) -> str | None:
        if file_name is None or inline is not None:
            if file_name is not None:
                self._say(path, channel, f"{field}File", "either the value or a file that holds it, not both")
            return inline
        if self._read_secret is None:
            return "unread"
        kind = field.rpartition(".")[2]
        # The name is not quoted: somebody may have put the password itself there.
        try:
            value = self._read_secret(file_name)
            DeclaredIngestEndpoint.model_validate({kind: value})
        except ValidationError:
            self._say(path, channel, f"{field}File", f"the file holds no {kind}: printable ASCII without blanks")
        except ValueError as err:
            self._say(path, channel, f"{field}File", str(err))
        else:
            return value
        return "unread"


_INGEST: Final = "hlsIngest.ingestEndpoints"
_KINDS: Final[Mapping[type, str]] = {DeclaredChannel: "channel", DeclaredOriginEndpoint: "origin endpoint"}


def _parts(field: str) -> Path:
    return tuple(int(part) if part.isdecimal() else part for part in field.split("."))


def _label(request: BaseModel) -> str:
    return f"{_KINDS[type(request)]} {getattr(request, 'id', '')}"


def _guids(request: DeclaredChannel | DeclaredOriginEndpoint) -> Iterator[tuple[str, str]]:
    if request.guid is not None:
        yield "guid", request.guid
    if isinstance(request, DeclaredChannel) and request.hls_ingest is not None:
        second = request.hls_ingest.ingest_endpoints[1].id
        if second is not None:
            yield f"{_INGEST}.1.id", second


def _digest(request: BaseModel, pairs: Sequence[Pair | None]) -> str:
    """The same for the same words, whatever the release: defaults are not in it."""
    said = request.model_dump(mode="json", by_alias=True, exclude_unset=True)
    secrets = [None if pair is None else (pair.username, pair.password) for pair in pairs]
    return hashlib.sha256(json.dumps([said, secrets], sort_keys=True).encode()).hexdigest()
