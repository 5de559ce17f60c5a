"""Why there is no connection to NATS, in a sentence that says what to look at. Nothing secret is ever part of it."""

from __future__ import annotations

import ssl
from typing import Final

from understudy_runtime.nats_login import Login
from understudy_runtime.secured_client import NoTls

_REFUSED: Final = ("authorization", "authentication")
"""In what a server says when it does not take a login: a violation, a timeout, one that was revoked or has expired."""
_CREDENTIALS: Final = "UNDERSTUDY_NATS_CREDENTIALS_FILE, or UNDERSTUDY_NATS_USER and UNDERSTUDY_NATS_PASSWORD"


def explained(error: Exception, *, login: Login, shows_certificate: bool) -> str:
    """What an error of the connection means."""
    if isinstance(error, NoTls):
        return "TLS is demanded (a tls:// URL, or UNDERSTUDY_NATS_TLS_...) and the server offers none; nothing was told"
    if isinstance(error, ssl.SSLCertVerificationError):
        return (
            f"the server's certificate is not trusted ({error.verify_message.rstrip('.')}); look at "
            "UNDERSTUDY_NATS_TLS_CA_FILE and UNDERSTUDY_NATS_TLS_SERVER_NAME"
        )
    if isinstance(error, ssl.SSLError):
        return _alert(error, shows_certificate=shows_certificate)
    text = (str(error) or type(error).__name__).removeprefix("nats: ").strip("'")
    if any(word in text.lower() for word in _REFUSED):
        if not login.settings:
            return f"the server asks who connects ({text}), and nothing says so: set {_CREDENTIALS}"
        return f"the server does not take the login ({text}); look at {login.settings}"
    return text


def _alert(error: ssl.SSLError, *, shows_certificate: bool) -> str:
    """TLS ended by the server, most often for what it was shown."""
    reason = (error.reason or str(error)).lower().replace("_", " ")
    why = "the server did not take the certificate" if shows_certificate else "the server wants a certificate"
    return f"TLS failed ({reason}); if {why}, look at UNDERSTUDY_NATS_TLS_CERTIFICATE_FILE"
