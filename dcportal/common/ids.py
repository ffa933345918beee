"""Public identifiers: short, random, readable aloud, never reused."""

import secrets

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
UID_LENGTH = 12
UID_PATTERN = f"[{ALPHABET}]{{{UID_LENGTH}}}"


def new_uid() -> str:
    """Twelve lower-case Crockford characters: 60 random bits."""
    return "".join(secrets.choice(ALPHABET) for _ in range(UID_LENGTH))
