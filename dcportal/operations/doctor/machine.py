"""The host itself: interpreter, tools, disk, data folder, port."""

import shutil
import sys
import tempfile

from django.conf import settings

from dcportal import env
from dcportal.operations.doctor.finding import Finding, fail, ok, warn
from dcportal.setup import places, ports, preflight

LITTLE_DISK_BYTES = 5 * places.GIB
LEAST_DISK_BYTES = 1 * places.GIB


def python() -> Finding:
    shown = ".".join(map(str, sys.version_info[:3]))
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return ok("python", f"Python {shown}")
    return fail("python", f"Python {shown} is not supported", "make clean && make run PYTHON=python3.11")


def git() -> Finding:
    if shutil.which("git"):
        return ok("git", "git is there")
    return fail("git", "jobs cannot fetch their code without git", "sudo apt-get install -y git")


def disk() -> Finding:
    free = shutil.disk_usage(places.existing_ancestor(settings.DATA_DIR)).free
    text = f"{free / places.GIB:.1f} GiB free at {settings.DATA_DIR}"
    mend = "free some space, or set DCP_DATA_DIR to a larger local disk"
    if free < LEAST_DISK_BYTES:
        return fail("disk", text, mend)
    return warn("disk", text, mend) if free < LITTLE_DISK_BYTES else ok("disk", text)


def data_folder() -> Finding:
    try:
        with tempfile.TemporaryFile(dir=settings.DATA_DIR) as file:
            file.write(b"x")
    except OSError as error:
        mend = f"sudo chown -R $USER {settings.DATA_DIR}, or set DCP_DATA_DIR"
        return fail("data folder", f"cannot write to {settings.DATA_DIR}: {error.strerror}", mend)
    return ok("data folder", f"{settings.DATA_DIR} is writable")


def file_system() -> Finding:
    """SQLite's locks cannot be trusted on network file systems; runs may live on one."""
    kind = preflight.filesystem_of(places.existing_ancestor(settings.DATA_DIR).resolve())
    text = f"the data folder is on {kind}"
    if kind in preflight.NETWORK_FILESYSTEMS:
        return fail("file system", text, "set DCP_DATA_DIR to a local disk (DCP_RUNS_DIR may stay shared)")
    return ok("file system", text)


def port() -> Finding:
    """Free, or held by this very portal."""
    host, number = env.bind()
    if ports.can_bind(host, number) is None:
        return warn("port", f"{host}:{number} is free: the portal is not running", "make run")
    holder = ports.holder_of(number)
    if holder and "dcportal.asgi" in holder.command:
        return ok("port", f"{host}:{number} is served by the portal (pid {holder.pid})")
    return fail("port", f"{number} is taken by {holder}", "stop it, or set DCP_BIND to another address")
