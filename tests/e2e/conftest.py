"""A whole portal on real processes, and a real browser that writes down everything it should not see."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, Request, sync_playwright

REPOSITORY = Path(__file__).resolve().parents[2]
CHROMIUM = shutil.which("chromium")
START_SECONDS = 150
ARGUMENTS = ["--no-sandbox", "--disable-quic", "--disable-background-networking", "--disable-gpu"]
# The page asks the CSP; a violation is also a console error, but this names the directive.
WATCH_CSP = """window.cspViolations = [];
document.addEventListener("securitypolicyviolation", (event) =>
  window.cspViolations.push(`${event.violatedDirective} ${event.blockedURI}`));"""


@dataclass
class Portal:
    """A running portal: where it is, the one-time link it printed, and its process."""

    address: str
    link: str
    folder: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]
    is_link_used: bool = False

    def take_link(self) -> str:
        """The link that `make run` printed; from the second time on one that `create_admin` prints."""
        if not self.is_link_used:
            self.is_link_used = True
            return self.link
        command = [sys.executable, "manage.py", "create_admin", "--link"]
        done = subprocess.run(
            command, cwd=REPOSITORY, env=self.environment, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()


@pytest.fixture(scope="session")
def portal() -> Iterator[Portal]:
    folder = Path(tempfile.mkdtemp(prefix="dcp-e2e-"))
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    output = folder / "portal.out"
    environment = environment_of(folder, port)
    process = start(environment, output)
    try:
        link = link_in(output, process)
        yield Portal(f"http://127.0.0.1:{port}", link, folder, process, environment)
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        shutil.rmtree(folder, ignore_errors=True)


def environment_of(folder: Path, port: int) -> dict[str, str]:
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("DCP_")},
        "DCP_DATA_DIR": str(folder / "data"),
        "DCP_BIND": f"127.0.0.1:{port}",
        "DJANGO_SETTINGS_MODULE": "dcportal.settings",
        "TORCH": "skip",
    }


def start(environment: dict[str, str], output: Path) -> subprocess.Popen[bytes]:
    command = [sys.executable, "manage.py", "portal", "--prepare"]
    with output.open("wb") as sink:
        return subprocess.Popen(command, cwd=REPOSITORY, env=environment, stdout=sink, stderr=sink)


def link_in(output: Path, process: subprocess.Popen[bytes]) -> str:
    """The sign-in link, once it is printed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline and process.poll() is None:
        found = re.search(r"http://\S+/link/\S+/", output.read_text())
        if found:
            return found.group()
        time.sleep(0.2)
    raise AssertionError(f"no sign-in link; the portal said:\n{output.read_text()}")


# Per module: while Playwright lives, its event loop runs in this thread and Django refuses the database
# to every other test of the process.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Debian's chromium is not installed")
    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)


@dataclass
class Visitor:
    """A page and everything wrong that it saw."""

    page: Page
    portal: Portal
    errors: list[str] = field(default_factory=list)
    foreign: list[str] = field(default_factory=list)

    def open(self, path: str) -> Page:
        self.page.goto(self.portal.address + path)
        return self.page

    def heard(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.errors.append(f"{self.page.url}: {message.text}")

    def asked(self, request: Request) -> None:
        if urlsplit(request.url).scheme in {"http", "https", "ws"} and not request.url.startswith(
            (self.portal.address, self.portal.address.replace("http", "ws"))
        ):
            self.foreign.append(request.url)

    def assert_clean(self) -> None:
        """No console error, no request to another host, no violation of the content security policy."""
        violations = self.page.evaluate("window.cspViolations")
        assert (self.errors, self.foreign, violations) == ([], [], [])


@pytest.fixture(scope="module")
def signed_in(portal: Portal, chromium: Browser) -> dict[str, object]:
    """The session that the one-time link gives, for every context of this module."""
    context = chromium.new_context()
    page = context.new_page()
    page.goto(portal.take_link())
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"{portal.address}/")
    state = context.storage_state()
    context.close()
    return dict(state)


@pytest.fixture
def visitor_with(portal: Portal, chromium: Browser, signed_in: dict[str, object]) -> Iterator[object]:
    """`visitor_with(width=390, color_scheme="dark")`: a signed-in visitor in a context of its own."""
    contexts: list[BrowserContext] = []

    def make(width: int = 1440, height: int = 900, **options: object) -> Visitor:
        size = {"width": width, "height": height}
        context = chromium.new_context(viewport=size, storage_state=signed_in, **options)  # type: ignore[arg-type]
        context.add_init_script(WATCH_CSP)
        contexts.append(context)
        visitor = Visitor(context.new_page(), portal)
        visitor.page.on("console", visitor.heard)
        visitor.page.on("pageerror", lambda error: visitor.errors.append(str(error)))
        visitor.page.on("request", visitor.asked)
        return visitor

    yield make
    for context in contexts:
        context.close()


@pytest.fixture
def visitor(visitor_with):
    return visitor_with()
