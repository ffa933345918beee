"""The portal's REST API as `dcp` uses it."""

import uuid
from collections.abc import Iterator
from typing import Any

import click
import httpx

from dcportal.cli.errors import CliError, Missing, NotSignedIn, Refused, Unreachable
from dcportal.cli.profile import Profile

TIMEOUT_SECONDS = 30.0


class Client:
    """Calls below `/api/v1/`; every failure comes back as a CliError with words for a person."""

    def __init__(self, profile: Profile, transport: httpx.BaseTransport | None = None) -> None:
        self._http = httpx.Client(
            base_url=f"{profile.url}/api/v1/",
            headers={"Authorization": f"Bearer {profile.token}", "Accept": "application/json"},
            timeout=TIMEOUT_SECONDS,
            transport=transport,
        )
        context = click.get_current_context(silent=True)
        if context is not None:
            context.call_on_close(self._http.close)

    def get(self, path: str, **params: Any) -> Any:
        return self._call("GET", path, params={k: v for k, v in params.items() if v is not None})

    def post(self, path: str, body: Any = None, *, idempotency_key: str | None = None) -> Any:
        headers = {"Idempotency-Key": idempotency_key} if idempotency_key else {}
        return self._call("POST", path, json=body if body is not None else {}, headers=headers)

    def pages(self, path: str, limit: int, **params: Any) -> Iterator[dict[str, Any]]:
        """Rows over as many pages as needed, at most `limit` of them."""
        page = self.get(path, limit=min(limit, 200), **params)
        while limit > 0:
            yield from page["results"][:limit]
            limit -= len(page["results"])
            if not page.get("next") or limit <= 0:
                return
            page = self._call("GET", page["next"])

    def _call(self, method: str, path: str, **options: Any) -> Any:
        try:
            response = self._http.request(method, path, **options)
        except httpx.HTTPError as error:
            raise Unreachable(f"No answer from {self._http.base_url.host}: {error}") from error
        return self._content(response)

    def _content(self, response: httpx.Response) -> Any:
        if response.is_success:
            return response.json() if response.content else None
        body = _json(response)
        words = describe(body) or f"{response.status_code} {response.reason_phrase}"
        raise _error_for(response.status_code)(words)


def new_idempotency_key() -> str:
    """A key for one intent: a repeated submit with it makes no second job."""
    return str(uuid.uuid4())


def describe(body: Any) -> str:
    """A problem+json body in lines: the title, then `pointer: detail` per field."""
    if not isinstance(body, dict) or "title" not in body:
        return ""
    lines = [str(body["title"])]
    lines += [f"  {e.get('pointer') or '/'}: {e.get('detail')}" for e in body.get("errors", [])]
    return "\n".join(lines)


def _json(response: httpx.Response) -> Any:
    try:
        return response.json()
    except ValueError:
        return None


def _error_for(status: int) -> type[CliError]:
    if status == 401:
        return NotSignedIn
    if status in {403, 404}:
        return Missing
    return Refused if 400 <= status < 500 else Unreachable
