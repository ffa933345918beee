"""Where the two environments and the set-up's own files live, for set-up, supervisor and `doctor`."""

import hashlib
import sys
from pathlib import Path

from dcportal import env

REPOSITORY = env.REPOSITORY
PORTAL_VENV = REPOSITORY / ".venv"
TRAINER_VENV = REPOSITORY / ".venv-trainer"
PORTAL_REQUIREMENTS = REPOSITORY / "dcportal/requirements.txt"
TRAINER_REQUIREMENTS = REPOSITORY / "trainer/requirements.txt"
DEV_REQUIREMENTS = REPOSITORY / "tests/requirements.txt"
TRAINER_DEV_REQUIREMENTS = REPOSITORY / "tests/requirements-trainer.txt"

GIB = 1024**3


def setup_dir() -> Path:
    """State of the set-up inside the data folder: locks, progress of the trainer's environment."""
    return env.data_dir() / "setup"


def python_of(venv: Path) -> Path:
    return venv / "bin/python"


def fingerprint(*files: Path) -> str:
    """Identifies the content of requirement files together with this Python's minor version."""
    digest = hashlib.sha256(f"{sys.version_info[0]}.{sys.version_info[1]}".encode())
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()


def existing_ancestor(path: Path) -> Path:
    """`path` or its nearest parent that exists: the place whose disk will hold it."""
    while not path.exists():
        path = path.parent
    return path
