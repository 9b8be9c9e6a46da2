"""Credentials of users for a venue: encrypted at once, each with a key of its own, soon expired.

The sealed text and its key are stored in different places, and opening it needs a secret of the
site as well, which is stored in neither: journals and old files of both together reveal nothing.
The text carries the time at which it was sealed, and cannot be opened LASTS_S later. Pure.
"""

import base64
import json
import secrets
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

LASTS_S: Final = 12
"""Within the 10 to 15 s that credentials may live."""
KEY_BYTES: Final = 32


class CredentialsGoneError(ValueError):
    """The credentials expired, or text and key do not belong together."""


@dataclass(frozen=True)
class Credentials:
    """Its representation is masked, so that no log and no traceback shows it."""

    client_id: str
    client_secret: str

    def __repr__(self) -> str:
        return "Credentials(***)"


class Sealed(NamedTuple):
    """What may be stored of credentials; `text` and `key` in different places."""

    text: bytes
    key: bytes


def seal(credentials: Credentials, secret: str, now_s: int) -> Sealed:
    """Encrypt credentials with a new key and the site's secret; valid for LASTS_S from `now_s`."""
    key = secrets.token_bytes(KEY_BYTES)
    text = json.dumps([credentials.client_id, credentials.client_secret]).encode()
    return Sealed(cipher(key, secret).encrypt_at_time(text, now_s), key)


def unseal(sealed: Sealed, secret: str, now_s: int) -> Credentials:
    """Return credentials that are still valid; raise CredentialsGoneError."""
    try:
        text = cipher(sealed.key, secret).decrypt_at_time(sealed.text, LASTS_S, now_s)
    except InvalidToken:
        raise CredentialsGoneError(
            f"the credentials are older than {LASTS_S} s or not readable: connect again"
        ) from None
    return Credentials(*json.loads(text))


def cipher(key: bytes, secret: str) -> Fernet:
    derived = HKDF(SHA256(), length=32, salt=key, info=b"venues.gateway.credentials")
    return Fernet(base64.urlsafe_b64encode(derived.derive(secret.encode())))
