"""Encryption of API secrets, which must be readable because clients sign with them. Pure but for
the setting of the key.
"""

import base64
from functools import lru_cache
from typing import Final

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

PURPOSE: Final = b"pytrade exchange: secrets of API keys"


class SealError(ValueError):
    """A sealed secret that the present key does not open."""


@lru_cache(maxsize=4)
def cipher(key: str) -> Fernet:
    """Return the cipher whose key is derived from a setting by HKDF."""
    derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=PURPOSE)
    return Fernet(base64.urlsafe_b64encode(derived.derive(key.encode())))


def sealed(secret: str) -> bytes:
    return cipher(_key()).encrypt(secret.encode())


def unsealed(token: bytes) -> str:
    """Return a sealed secret; raise SealError if it was sealed with another key."""
    return _unsealed(_key(), token)


@lru_cache(maxsize=4096)
def _unsealed(key: str, token: bytes) -> str:
    try:
        return cipher(key).decrypt(token).decode()
    except InvalidToken as error:
        raise SealError(
            "the secret was encrypted with another key: restore EXCHANGE_SECRETS_KEY (or "
            "SECRET_KEY) of the time when the API key was created, or create a new API key"
        ) from error


def _key() -> str:
    return settings.EXCHANGE_SECRETS_KEY or settings.SECRET_KEY
