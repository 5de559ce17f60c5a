"""Signatures in the form of Standard Webhooks 1.0: HMAC-SHA256 over id, time of sending and body."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from typing import Final

PREFIX: Final = "whsec_"
BYTES_MIN: Final = 24
BYTES_MAX: Final = 64


def parse_secret(text: str) -> bytes:
    """The key that a secret stands for: ``whsec_`` and 24 to 64 bytes in base64.

    Raises:
        ValueError: it is none; the sentence has nothing of it.
    """
    if not text.startswith(PREFIX):
        raise ValueError(f"should be {PREFIX} and {BYTES_MIN} to {BYTES_MAX} bytes in base64")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError(f"should be base64 after {PREFIX}") from None
    if not BYTES_MIN <= len(key) <= BYTES_MAX:
        raise ValueError(f"should stand for {BYTES_MIN} to {BYTES_MAX} bytes, this is base64 of {len(key)}")
    return key


def signed_headers(message_id: str, body: bytes, *, keys: Sequence[bytes], now_seconds: int) -> Mapping[str, str]:
    """The three headers; ``now_seconds``: of sending, since the epoch. A receiver needs one of ``keys``."""
    signed = f"{message_id}.{now_seconds}.".encode() + body
    signatures = (hmac.new(key, signed, hashlib.sha256).digest() for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(now_seconds),
        "webhook-signature": " ".join(f"v1,{base64.b64encode(one).decode()}" for one in signatures),
    }
