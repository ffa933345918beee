"""Settings of the tests: own data folder per run, fast hashing, no outside cache."""

import os
import tempfile

os.environ.setdefault("DCP_DATA_DIR", tempfile.mkdtemp(prefix="dcportal-tests-"))
os.environ.setdefault("DCP_SECRET_KEY", "only-for-tests-" + "x" * 40)

from dcportal.operations.catalogues import compile_catalogues
from dcportal.settings import *  # noqa: F403
from dcportal.settings import DATA_DIR, DATABASES, LOCALE_PATHS, REST_FRAMEWORK, STORAGES

(DATA_DIR / "static").mkdir(parents=True, exist_ok=True)  # whitenoise warns of a missing one, once per client
compile_catalogues(LOCALE_PATHS[0])  # as `make run` does; nothing when they are up to date
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
# A file rather than shared memory: threads of the sockets open connections of their own.
if "sqlite" in DATABASES["default"]["ENGINE"]:
    DATABASES["default"]["TEST"] = {"NAME": DATA_DIR / f"test-{_worker}.sqlite3"}

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES["staticfiles"]["BACKEND"] = "django.contrib.staticfiles.storage.StaticFilesStorage"
REST_FRAMEWORK["DEFAULT_THROTTLE_RATES"] = {"actor": "100000/min"}
ALLOWED_HOSTS = ["testserver", "localhost", "127.0.0.1"]
