"""Callers of the REST API: bearer tokens of the cast, and a shorthand for JSON."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from dcportal.accounts.actions import create_token
from dcportal.accounts.models import SCOPES
from dcportal.common.actors import system_actor
from tests.fixtures.people import NOW


class Caller:
    """An API client with a token; `get`, `post`, `patch`, `delete` below `/api/v1/`."""

    def __init__(self, secret: str | None) -> None:
        self.client = Client(raise_request_exception=False)
        self.headers = {"authorization": f"Bearer {secret}"} if secret else {}

    def get(self, path: str, **headers: str) -> Any:
        return self.client.get(f"/api/v1/{path}", headers={**self.headers, **headers})

    def post(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("post", path, body, headers)

    def patch(self, path: str, body: Any = None, **headers: str) -> Any:
        return self._send("patch", path, body, headers)

    def delete(self, path: str, **headers: str) -> Any:
        return self.client.delete(f"/api/v1/{path}", headers={**self.headers, **headers})

    def _send(self, method: str, path: str, body: Any, headers: dict[str, str]) -> Any:
        raw = body if isinstance(body, bytes) else json.dumps({} if body is None else body).encode()
        send = getattr(self.client, method)
        more = {**self.headers, **headers}
        return send(f"/api/v1/{path}", raw, content_type="application/json", headers=more)


@pytest.fixture
def caller(person) -> Callable[..., Caller]:
    """`caller("operator")`; `caller("owner", scopes=["read"])`; `caller(None)` for nobody."""

    def make(name: str | None, scopes: list[str] | None = None, role: str | None = None) -> Caller:
        if name is None:
            return Caller(None)
        user = person(name)
        values = {"name": "t", "role": role or user.role, "scopes": scopes or list(SCOPES)}
        return Caller(create_token(system_actor("test"), user, values, NOW)[1])

    return make
