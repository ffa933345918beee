"""Which portal `dcp` talks to, and as whom: kept in one file that only its owner can read."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from dcportal.cli.errors import NotSignedIn


@dataclass(frozen=True)
class Profile:
    """Address of a portal and the API token to use there."""

    url: str
    token: str


def path() -> Path:
    """`$XDG_CONFIG_HOME/dcportal/cli.json`, by default under `~/.config`."""
    base = os.environ.get("XDG_CONFIG_HOME") or str(Path.home() / ".config")
    return Path(base) / "dcportal" / "cli.json"


def load() -> Profile:
    """DCP_URL and DCP_TOKEN, else what `dcp login` kept; raises NotSignedIn."""
    kept = _kept()
    url = os.environ.get("DCP_URL") or kept.get("url", "")
    token = os.environ.get("DCP_TOKEN") or kept.get("token", "")
    if not url or not token:
        raise NotSignedIn("Not signed in. Make a token on the portal's Tokens page, then: dcp login URL")
    return Profile(url.rstrip("/"), token)


def save(profile: Profile) -> Path:
    """Keep the profile with mode 0600."""
    target = path()
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    draft = target.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump({"url": profile.url, "token": profile.token}, file)
    draft.replace(target)
    return target


def _kept() -> dict[str, str]:
    try:
        content = json.loads(path().read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return content if isinstance(content, dict) else {}
