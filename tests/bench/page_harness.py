"""Serves the style guide and bench pages without the portal: `python -m tests.bench.page_harness [--port N]`.

Own Django settings (no database, no apps), the real templates and static files, the real CSP header, and
a /ws/live/ that sends made-up frames through monitoring.frames, once a second. Used by page_charts.py, by
tests/js/test_in_browser.py and by eye. Prints its address; --port 0 takes a free one.
"""

import argparse
import asyncio
import json
import mimetypes
import socket
import time
from pathlib import Path
from typing import Any

import django
import numpy as np
from django.conf import settings
from django.urls import path

REPOSITORY = Path(__file__).resolve().parents[2]
CSP = (
    "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self'; connect-src 'self'; frame-ancestors 'none'; object-src 'none'"
)


def view(request: Any, **more: Any) -> None:
    """Never called: the harness only needs addresses to reverse."""


def named(namespace: str, *names: str) -> Any:
    patterns = [path(f"{namespace}/{name}/", view, name=name) for name in names]
    return path("", (patterns, namespace, namespace))


urlpatterns = [
    named("dashboard", "overview", "search"),
    named("inventory", "node-list", "rack-list", "site-list", "room-list", "node-type-list"),
    named("jobs", "job-list", "launch", "template-list", "dataset-list", "environment-list", "secret-list"),
    named("accounts", "user-list", "team-list", "token-list", "sign-out", "profile"),
    path("audit/", view, name="audit-list"),
    path("i18n/setlang/", view, name="set_language"),
]


def configure(language: str = "en") -> None:
    """Django with templates and translations only."""
    from django.utils.translation import activate

    if not settings.configured:
        settings.configure(
            DEBUG=True,
            SECRET_KEY="harness",
            ROOT_URLCONF="tests.bench.page_harness",
            STATIC_URL="/static/",
            USE_I18N=True,
            LANGUAGES=[("en", "English"), ("zh-hans", "Simplified Chinese")],
            LOCALE_PATHS=[REPOSITORY / "dcportal" / "locale"],
            USE_TZ=True,
            TEMPLATES=[
                {
                    "BACKEND": "django.template.backends.django.DjangoTemplates",
                    "DIRS": [REPOSITORY / "templates"],
                    "OPTIONS": {
                        "context_processors": ["django.template.context_processors.request"],
                        "builtins": [
                            "django.templatetags.i18n",
                            "django.templatetags.static",
                            "dcportal.common.templatetags.dcp",
                            "dcportal.common.templatetags.ui",
                        ],
                    },
                }
            ],
        )
        django.setup()
    activate(language)


def page(template: str, context: dict[str, Any], match: tuple[str, str], language: str = "en") -> bytes:
    """The HTML of a template as if the page of (namespace, view name) had been asked for."""
    from types import SimpleNamespace

    from django.template.loader import render_to_string
    from django.test import RequestFactory

    configure(language)
    request = RequestFactory().get("/?ordering=-state")
    user = SimpleNamespace(username="m.koenig", is_authenticated=True, role="operator", timezone="")
    user.get_full_name = lambda: "Maria König"
    request.user = user
    request.resolver_match = SimpleNamespace(namespace=match[0], view_name=match[1])
    return render_to_string(template, context, request).encode()


class Harness:
    """ASGI app: pages by path, static files, and the live socket. `live`: topic -> Source."""

    def __init__(self, pages: dict[str, Any], live: dict[str, Any], seconds: float = 1.0) -> None:
        self.pages, self.live, self.seconds = pages, live, seconds

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            return await self.http(scope, send)
        if scope["type"] == "websocket":
            return await self.socket(receive, send)

    async def http(self, scope: dict[str, Any], send: Any) -> None:
        where = scope["path"]
        if where in self.pages:
            body = self.pages[where](scope["query_string"].decode())
            kind = "application/json" if body.startswith(b"{") else "text/html; charset=utf-8"
            return await respond(send, 200, body, kind)
        file = (REPOSITORY / where.lstrip("/")).resolve()
        if where.startswith("/static/") and file.is_file() and file.is_relative_to(REPOSITORY / "static"):
            kind = "text/javascript" if file.suffix == ".js" else mimetypes.guess_type(file.name)[0]
            return await respond(send, 200, file.read_bytes(), kind or "application/octet-stream")
        await respond(send, 404, b"not here", "text/plain")

    async def socket(self, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "websocket.accept"})
        topics: list[str] = []
        ticker = asyncio.create_task(self.tick(topics, send))
        while (event := await receive())["type"] != "websocket.disconnect":
            message = json.loads(event["text"])
            if message["type"] == "subscribe" and message["topic"] in self.live:
                topics.append(message["topic"])
                await send(
                    {"type": "websocket.send", "bytes": self.live[message["topic"]].message(full=True)}
                )
        ticker.cancel()

    async def tick(self, topics: list[str], send: Any) -> None:
        while True:
            await asyncio.sleep(self.seconds)
            for topic in topics:
                await send({"type": "websocket.send", "bytes": self.live[topic].message(full=False)})


async def respond(send: Any, status: int, body: bytes, kind: str) -> None:
    headers = [
        (b"content-type", kind.encode()),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"content-security-policy", CSP.encode()),
    ]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


class Source:
    """Made-up lines of one topic: (id, unit, middle, swing) each; a value depends on the second only."""

    def __init__(self, topic: str, lines: list[tuple[str, str, float, float]], history: int = 300) -> None:
        from monitoring.frames import Legend, Series

        self.topic, self.history, self.seq = topic, history, 0
        self.middles = np.array([[line[2]] for line in lines])
        self.swings = np.array([[line[3]] for line in lines])
        self.seeds = np.array([[sum(map(ord, line[0])) * 37 % 997] for line in lines])
        self.legend = Legend(tuple(Series(line[0], line[1]) for line in lines))

    def message(self, full: bool) -> bytes:
        from monitoring.frames import Frame

        self.seq += 1
        now = int(time.time())
        seconds = np.arange(now - (self.history if full else 5) + 1, now + 1)
        values = self.middles + self.swings * wander(seconds, self.seeds)
        return Frame(self.topic, self.seq, now, self.legend, values).bytes_for(knows_layout=not full)


NOISE = np.random.default_rng(1).uniform(-0.3, 0.3, 4096)


def wander(seconds: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Smooth movement with noise, (series, second), the same for the same second."""
    slow = np.sin(seconds / 37 + seeds) * 0.5 + np.sin(seconds / 11 + seeds * 2) * 0.2
    return slow + NOISE[(seconds * 7 + seeds * 131) % len(NOISE)]


def main() -> None:
    import uvicorn

    from tests.bench import page_examples

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=8765)
    arguments = parser.parse_args()
    configure()
    app = Harness(page_examples.PAGES, page_examples.sources())
    listener = socket.create_server(("127.0.0.1", arguments.port))
    print(f"http://127.0.0.1:{listener.getsockname()[1]}/", flush=True)
    config = uvicorn.Config(app, log_level="warning", ws="websockets-sansio")
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
