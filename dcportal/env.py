"""Every environment variable that the portal reads, with its default and meaning.

`settings.py` and the Django-free programs read their configuration only through here. A secret `X`
may come from the file named by `X_FILE` instead, so that it appears in no process listing.
"""

import ipaddress
import os
import secrets
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent


class SettingError(ValueError):
    """A variable holds something unusable; the message names it and says what to write instead."""


def text(name: str, default: str = "") -> str:
    """The variable as text; empty counts as unset."""
    return os.environ.get(name, "") or default


def secret(name: str) -> str:
    """The variable, or the stripped content of the file that `<name>_FILE` points to."""
    path = text(f"{name}_FILE")
    if not path:
        return text(name)
    try:
        return Path(path).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise SettingError(f"{name}_FILE: cannot read {path}: {error.strerror}") from error


def flag(name: str, default: bool = False) -> bool:
    value = text(name, "1" if default else "0").lower()
    if value not in {"0", "1", "true", "false", "yes", "no"}:
        raise SettingError(f"{name}={value!r}: write 1 or 0")
    return value in {"1", "true", "yes"}


def whole_number(name: str, default: int) -> int:
    value = text(name, str(default))
    try:
        return int(value)
    except ValueError as error:
        raise SettingError(f"{name}={value!r}: write a whole number") from error


def names(name: str) -> list[str]:
    """A comma-separated list without empty items."""
    return [item.strip() for item in text(name).split(",") if item.strip()]


def data_dir() -> Path:
    """DCP_DATA_DIR: database, telemetry, keys and logs. Must be on a local file system."""
    return Path(text("DCP_DATA_DIR", str(REPOSITORY / "var"))).absolute()


def runs_dir() -> Path:
    """DCP_RUNS_DIR: one folder per attempt of a job; may be shared between nodes."""
    return Path(text("DCP_RUNS_DIR", str(data_dir() / "runs"))).absolute()


def trainer_python() -> Path:
    """DCP_TRAINER_PYTHON: interpreter that holds torch, of the environment that trains."""
    return Path(text("DCP_TRAINER_PYTHON", str(REPOSITORY / ".venv-trainer/bin/python"))).absolute()


def bind() -> tuple[str, int]:
    """DCP_BIND: address and port the portal listens on, as `host:port` or `[v6]:port`."""
    value = text("DCP_BIND", "127.0.0.1:8000")
    host, _, port = value.rpartition(":")
    if not host or not port.isdigit() or int(port) > 65535:
        raise SettingError(f"DCP_BIND={value!r}: write it as 127.0.0.1:8000")
    return host.strip("[]"), int(port)


def is_public(host: str) -> bool:
    """True unless `host` is a loopback address or `localhost`."""
    if host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True


def role() -> str:
    """DCP_ROLE: `all` (one process), or `web` and `ingest` apart."""
    value = text("DCP_ROLE", "all")
    if value not in {"all", "web", "ingest"}:
        raise SettingError(f"DCP_ROLE={value!r}: write all, web or ingest")
    return value


def secret_key() -> str:
    """DCP_SECRET_KEY, or a key made once and kept in the data folder with mode 0600."""
    return secret("DCP_SECRET_KEY") or kept_key("secret_key")


def kept_key(name: str) -> str:
    """A random key kept in the data folder; concurrent first starts agree on one."""
    path = data_dir() / "keys" / name
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    try:
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(secrets.token_urlsafe(48))
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        pass
    return path.read_text(encoding="utf-8").strip()
