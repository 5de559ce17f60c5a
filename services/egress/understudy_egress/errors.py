"""What only egress can run into."""

from __future__ import annotations

from understudy_domain.errors import UnderstudyError


class ProgrammeNotLoaded(UnderstudyError):
    """The entries of an origin endpoint that nobody asked for before did not come in time; they are still awaited."""

    code = "programme_not_loaded"
    status = 503


class OriginationDenied(UnderstudyError):
    """The origin endpoint's origination is DENY."""

    code = "origination_denied"
    status = 403


class ClientNotWhitelisted(UnderstudyError):
    """The origin endpoint has a whitelist, and the client's address is not in it."""

    code = "client_not_whitelisted"
    status = 403


class CdnNotAuthorized(UnderstudyError):
    """The origin endpoint has an authorization, and the request does not show the secret."""

    code = "cdn_not_authorized"
    status = 403


class MethodNotAllowed(UnderstudyError):
    """Another method than GET, HEAD and OPTIONS."""

    code = "method_not_allowed"
    status = 405


class MediaUnavailable(UnderstudyError):
    """The storage of the media is away, or answers something that cannot be the media."""

    code = "media_unavailable"
    status = 503


class TooManyWindows(UnderstudyError):
    """More windows of the past are asked for at once than are rendered and may wait."""

    code = "too_many_windows"
    status = 503
