"""Encryption of secrets at rest. Each kind has a key of its own in the data folder, mode 0600."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

from dcportal import env


class Unreadable(ValueError):
    """The key that this was encrypted with is not here (a restored database without its keys)."""


def encrypt(value: str, key: str) -> bytes:
    """Ciphertext of `value` under the kept key named `key`, different each time."""
    return _fernet(key).encrypt(value.encode())


def decrypt(ciphertext: bytes | memoryview, key: str) -> str:
    """The value again. Raises Unreadable."""
    try:
        return _fernet(key).decrypt(bytes(ciphertext)).decode()
    except InvalidToken as error:
        raise Unreadable("the key of this secret is missing or another one") from error


def _fernet(key: str) -> Fernet:
    digest = hashlib.sha256(env.kept_key(key).encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
