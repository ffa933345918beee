"""Calls of the REST API as members of the cast."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client


@pytest.fixture
def call(client_of: Callable[[str], Client]) -> Callable[..., Any]:
    """`call("owner", "post", "jobs/", {...})`: the response of /api/v1/."""
    clients: dict[str, Client] = {}

    def make(who: str, method: str, path: str, body: Any = None, **headers: str) -> Any:
        if who not in clients:
            clients[who] = client_of(who)
        data = body if isinstance(body, (bytes, str)) else json.dumps(body) if body is not None else ""
        extra = {"HTTP_" + name.upper().replace("-", "_"): value for name, value in headers.items()}
        return clients[who].generic(method.upper(), f"/api/v1/{path}", data, "application/json", **extra)

    return make


@pytest.fixture
def pointers() -> Callable[[Any], list[tuple[str, str]]]:
    """(pointer, code) of each problem in a problem+json answer."""

    def read(response: Any) -> list[tuple[str, str]]:
        assert response["Content-Type"] == "application/problem+json", response.content[:300]
        return [(error["pointer"], error["code"]) for error in response.json()["errors"]]

    return read
