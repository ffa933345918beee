"""Secrets of jobs under their own key."""

from dcportal.common import vault
from dcportal.common.vault import Unreadable

__all__ = ["Unreadable", "decrypt", "encrypt"]
KEY = "job_secrets"


def encrypt(value: str) -> bytes:
    """Ciphertext of a secret."""
    return vault.encrypt(value, KEY)


def decrypt(ciphertext: bytes | memoryview) -> str:
    """The secret again. Raises Unreadable."""
    return vault.decrypt(ciphertext, KEY)
