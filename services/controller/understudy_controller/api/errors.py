"""Errors as MediaPackage's clients read them: a status, ``x-amzn-ErrorType`` and ``{"message": …}``.

boto3 picks the exception class by the header; without it a caller sees a nameless ``ClientError``. The service model
knows six classes, none for 400, 405, 409 or 413, so every failure is mapped to one of the six by its status.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException

from understudy_domain.ending import EndRefusal
from understudy_domain.errors import UnderstudyError
from understudy_domain.switchover import Refusal

_log = logging.getLogger(__name__)

ERROR_TYPES: Final[Mapping[int, str]] = {
    403: "ForbiddenException",
    404: "NotFoundException",
    422: "UnprocessableEntityException",
    429: "TooManyRequestsException",
    500: "InternalServerErrorException",
    503: "ServiceUnavailableException",
}
CONFLICT: Final = "ConflictException"
"""A refusal of our own paths: there a 409 stays one."""
_NEAREST: Final = {400: 422, 401: 403, 405: 404, 409: 422, 413: 422, 415: 422, 502: 503, 504: 503}
_PROBLEMS_NAMED_MAX: Final = 5


class ResourceNotFound(UnderstudyError):
    """No channel or origin endpoint has this id or ARN."""

    code = "not_found"
    status = 404


class IdTaken(UnderstudyError):
    """A create with the id of a resource that exists."""

    code = "id_taken"
    status = 422


class ChannelInUse(UnderstudyError):
    """A channel cannot be deleted while it has origin endpoints."""

    code = "channel_in_use"
    status = 422


class TooManyHarvestJobs(UnderstudyError):
    """As many harvest jobs as may be are not done yet."""

    code = "too_many_harvest_jobs"
    status = 429


class NotHonouredYet(UnderstudyError):
    """A valid request for something that this release does not do; the message names the field."""

    code = "not_honoured_yet"
    status = 422


class OrderRefused(UnderstudyError):
    """An operator's order that could not be carried out. Answered as 409.

    It comes from our own paths alone, so no class of the service model has to stand for it.
    """

    code = "order_refused"
    status = 409

    def __init__(self, refusal: Refusal | EndRefusal, message: str) -> None:
        super().__init__(message)
        self.refusal = refusal


class SwitchoverRefused(OrderRefused):
    """An order to switch over that could not be carried out, or that viewers would notice."""

    code = "switchover_refused"


class EndRefused(OrderRefused):
    """An order to end a programme that goes on, or that has not begun."""

    code = "end_refused"


class TooManyWriters(UnderstudyError):
    """Others kept changing the same resource; nothing was written."""

    code = "too_many_writers"
    status = 429


class NotStarted(UnderstudyError):
    """The controller has not reached NATS yet."""

    code = "not_started"
    status = 503


class BodyTooLarge(HTTPException):
    """A request body above the limit. An HTTPException, because FastAPI lets only those through while it reads."""

    code: ClassVar[str] = "body_too_large"


def error_response(status: int, message: str) -> Response:
    """The answer for a failure: ``status`` (or the nearest that the service model knows), typed, with one sentence."""
    status = status if status in ERROR_TYPES else _NEAREST.get(status, 422 if status < 500 else 500)
    headers = {"Retry-After": "1"} if status in (429, 503) else {}
    return _typed(status, ERROR_TYPES[status], {"message": message}, headers)


def _typed(status: int, error_type: str, body: Mapping[str, str], headers: Mapping[str, str]) -> Response:
    typed = {"x-amzn-ErrorType": error_type, "Cache-Control": "no-store", **headers}
    # ASCII escapes: a message may quote what the client sent, and lone surrogates have no UTF-8.
    return Response(json.dumps(body), status, typed, media_type="application/json")


def sentence(errors: Sequence[Any]) -> str:
    """Validation errors as one sentence that names each field as the client wrote it: ``hlsPackage.adMarkers: …``."""
    named = [_problem(error) for error in errors[:_PROBLEMS_NAMED_MAX]]
    if len(errors) > _PROBLEMS_NAMED_MAX:
        named.append(f"and {len(errors) - _PROBLEMS_NAMED_MAX} more")
    return "; ".join(named)


def _problem(error: Mapping[str, Any]) -> str:
    where, *path = error["loc"]
    field = ".".join(str(part)[:80] for part in path)
    if error["type"] == "json_invalid":
        return "the request body is not JSON"
    if error["type"] == "extra_forbidden":
        return f"{field}: unknown field"
    if error["type"] == "missing":
        return f"{field}: required" if field else "the request needs a body, a JSON object"
    problem = str(error["msg"])
    return f"{field or f'request {where}'}: {problem[:1].lower()}{problem[1:]}"


def add_error_handlers(app: FastAPI) -> None:
    """Let every failure of a request end in ``error_response``."""

    async def of_understudy(request: Request, error: Exception) -> Response:
        assert isinstance(error, UnderstudyError)  # noqa: S101 - the registration below says so
        if error.status >= 500:
            _log.warning(
                "request failed: %s",
                error,
                extra={"reason": error.code, "status": error.status, "request_id": request.state.request_id},
            )
        return error_response(error.status, str(error))

    async def of_refusal(_request: Request, error: Exception) -> Response:
        assert isinstance(error, OrderRefused)  # noqa: S101 - as above
        return _typed(error.status, CONFLICT, {"message": str(error), "code": error.refusal.value}, {})

    async def of_validation(_request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)  # noqa: S101 - as above
        return error_response(422, sentence(error.errors()))

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)  # noqa: S101 - as above
        if error.status_code in (404, 405):
            return error_response(404, f"no operation of this API: {request.method} {request.url.path[:200]}")
        return error_response(error.status_code, str(error.detail))

    async def of_anything(request: Request, _error: Exception) -> Response:
        # The traceback is logged by the server, to which Starlette passes the exception on.
        return error_response(500, f"internal error in {request.method} {request.url.path[:200]}")

    app.add_exception_handler(UnderstudyError, of_understudy)
    app.add_exception_handler(OrderRefused, of_refusal)
    app.add_exception_handler(RequestValidationError, of_validation)
    app.add_exception_handler(HTTPException, of_http)
    app.add_exception_handler(Exception, of_anything)
