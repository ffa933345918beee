"""Encryption of secrets at rest. The key lies in the data folder beside the database, mode 0600."""

import base64
import hashlib

from cryptography.fernet import Fernet, InvalidToken

from dcportal import env


class Unreadable(ValueError):
    """The key that this was encrypted with is not here (a restored database without its keys)."""


def encrypt(value: str) -> bytes:
    """Ciphertext of `value`, different each time."""
    return _fernet().encrypt(value.encode())


def decrypt(ciphertext: bytes) -> str:
    """The value again. Raises Unreadable."""
    try:
        return _fernet().decrypt(bytes(ciphertext)).decode()
    except InvalidToken as error:
        raise Unreadable("the key of the secrets is missing or another one") from error


def _fernet() -> Fernet:
    digest = hashlib.sha256(env.kept_key("job_secrets").encode()).digest()
    return Fernet(base64.urlsafe_b64encode(digest))
