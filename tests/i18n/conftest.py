"""Readers of Chinese, and what they see of a page."""

from collections.abc import Callable
from html.parser import HTMLParser

import pytest
from django.test import Client

from dcportal.accounts.models import User
from tests.jobs.conftest import a_request, node_with, submitted  # noqa: F401 - fixtures
from tests.jobs.pages.conftest import running  # noqa: F401 - a fixture

SEEN = {"aria-label", "title", "placeholder", "alt", "data-label"}
UNSEEN = {"script", "style", "code", "textarea", "template"}


class Reader(HTMLParser):
    """Collects what people see or hear: texts between tags, and attributes that are read aloud."""

    def __init__(self) -> None:
        super().__init__()
        self.texts: list[str] = []
        self.depth = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.depth += tag in UNSEEN
        self.texts += [value.strip() for name, value in attrs if name in SEEN and value]

    def handle_endtag(self, tag: str) -> None:
        self.depth -= tag in UNSEEN

    def handle_data(self, data: str) -> None:
        if not self.depth and data.strip():
            self.texts.append(" ".join(data.split()))


@pytest.fixture
def texts_of() -> Callable[[str], list[str]]:
    def read(html: str) -> list[str]:
        reader = Reader()
        reader.feed(html)
        return reader.texts

    return read


@pytest.fixture
def chinese_admin(client_of: Callable[[str], Client], person: Callable[[str], User]) -> Client:
    client = client_of("admin")
    User.objects.filter(pk=person("admin").pk).update(language="zh-hans", full_name="Ada")
    return client
