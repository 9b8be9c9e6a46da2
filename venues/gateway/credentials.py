"""Credentials of users for a venue: encrypted at once, each with a key of its own, soon expired.

The sealed text and its key are stored in different places: neither is of use without the other.
The text carries the time at which it was sealed, and cannot be opened LASTS_S later. Pure.
"""

import json
from dataclasses import dataclass
from typing import Final, NamedTuple

from cryptography.fernet import Fernet, InvalidToken

LASTS_S: Final = 12
"""Within the 10 to 15 s that credentials may live."""


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


def seal(credentials: Credentials, now_s: int) -> Sealed:
    """Encrypt credentials with a new key; they are valid for LASTS_S from `now_s`."""
    key = Fernet.generate_key()
    text = json.dumps([credentials.client_id, credentials.client_secret]).encode()
    return Sealed(Fernet(key).encrypt_at_time(text, now_s), key)


def unseal(sealed: Sealed, now_s: int) -> Credentials:
    """Return credentials that are still valid; raise CredentialsGoneError."""
    try:
        text = Fernet(sealed.key).decrypt_at_time(sealed.text, LASTS_S, now_s)
    except (InvalidToken, ValueError):
        raise CredentialsGoneError(
            f"the credentials are older than {LASTS_S} s or not readable: connect again"
        ) from None
    return Credentials(*json.loads(text))
