"""Bearer secrets: made once, shown once, kept as a digest."""

import hashlib
import secrets

PREFIX_LENGTH = 8


def new_secret(kind: str) -> str:
    """A secret with 256 random bits and a readable kind, as in `dcp_api_...`."""
    return f"dcp_{kind}_{secrets.token_urlsafe(32)}"


def digest_of(secret: str) -> str:
    """SHA-256 in hex. A plain hash is enough: the secret itself is random, not a password."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def prefix_of(secret: str) -> str:
    """The part that people may see, to tell secrets apart."""
    return secret.split("_", 2)[-1][:PREFIX_LENGTH]
