"""What a collector answers: its words on spans that it did not take, which OpenTelemetry's exporter does not read.

The exporter takes a redirect for success, as it takes an answer that rejects some of the spans. Both are spans lost.
Where it gives up for lack of time it says no more than that: not what the collector had said.
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, Final
from urllib.parse import urlsplit

import requests  # this and protobuf come with the exporter
from google.protobuf.message import DecodeError
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse
from typing_extensions import override

_PROTOBUF: Final = "application/x-protobuf"


class Redirected(Exception):
    """The collector's address leads elsewhere; nobody follows, as with each request it would be led there again."""


class CollectorSession(requests.Session):
    """Looks at each answer, in the thread that exports; for ``OTLPSpanExporter``."""

    def __init__(self) -> None:
        super().__init__()
        self._rejected = 0
        self._reason = ""

    def told(self) -> tuple[int, str]:
        """How many spans of the last request were rejected though it succeeded, and why they were, or why it failed."""
        found = self._rejected, self._reason
        self._rejected, self._reason = 0, ""
        return found

    @override
    def send(self, request: requests.PreparedRequest, **options: Any) -> requests.Response:
        """Send one request.

        Raises:
            Redirected: the answer is a redirect. The exporter gives the batch up.
            requests.RequestException: there was no answer. The exporter tries again while there is time.
        """
        self._rejected, self._reason = 0, ""
        try:
            answer = super().send(request, **options)
            self._look(answer)
        except (requests.RequestException, Redirected) as err:
            self._reason = _reason(err)
            raise
        return answer

    def _look(self, answer: requests.Response) -> None:
        if not answer.ok:
            self._reason = f"{answer.status_code} {answer.reason}"
        elif answer.status_code >= HTTPStatus.MULTIPLE_CHOICES:
            raise Redirected(f"{answer.status_code}, {_elsewhere(answer.headers.get('location', ''))}")
        elif answer.headers.get("content-type", "").partition(";")[0].strip() == _PROTOBUF:
            try:
                told = ExportTraceServiceResponse.FromString(answer.content).partial_success
            except DecodeError:
                return
            self._rejected, self._reason = told.rejected_spans, told.error_message


def _reason(err: Exception) -> str:
    """Without the URL that was asked for, which may have a secret in it."""
    inner = getattr(err.args[0], "reason", err) if err.args else err
    return f"{type(inner).__name__}: {inner}"


def _elsewhere(location: str) -> str:
    """Without what may be a secret."""
    url = urlsplit(location)
    where = url._replace(netloc=url.netloc.rpartition("@")[2], query="", fragment="").geturl()
    return f"set the endpoint that it leads to: {where}" if where else "it leads nowhere"
