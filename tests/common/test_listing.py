"""Lists: what is asked by the address is what is shown, page by page."""

import pytest
from django.test import RequestFactory

from dcportal.common.listing import Column, Listing, respond
from dcportal.common.problems import Invalid
from dcportal.inventory.actions import add_record
from dcportal.inventory.filters import SiteFilters
from dcportal.inventory.models import Site
from tests.audit.world import ACTOR

LISTING = Listing(
    title="Sites",
    subtitle="",
    columns=[
        Column("name", "Name", lambda site: site.name, ordering="name"),
        Column("kind", "Kind", lambda site: site.kind, css="x"),
        Column("uid", "uid", lambda site: site.uid, csv_only=True),
    ],
    filters=SiteFilters,
    shown_filters=["kind"],
    ordering="name",
    empty_title="",
    empty_text="",
)


@pytest.fixture
def shown(db, now, monkeypatch):
    """`shown("page=2")`: the view that the template would get, of 120 sites."""
    for number in range(120):
        add_record(ACTOR, Site, {"name": f"S{number:03d}", "kind": "edge" if number % 2 else "core"}, now)
    seen = {}
    monkeypatch.setattr(
        "dcportal.common.listing.render", lambda request, name, context: seen.update(context) or seen
    )

    def ask(query):
        respond(RequestFactory().get(f"/sites/?{query}"), LISTING, Site.objects.all())
        return seen["list"]

    return ask


@pytest.mark.parametrize(
    ("query", "first", "last", "total", "previous", "following"),
    [
        ("", 1, 50, 120, "", "?page=2"),
        ("page=2", 51, 100, 120, "?page=1", "?page=3"),
        ("page=3", 101, 120, 120, "?page=2", ""),
        ("page=99", 101, 120, 120, "?page=2", ""),
        ("kind=edge", 1, 50, 60, "", "?kind=edge&page=2"),
        ("search=nothing", 0, 0, 0, "", ""),
    ],
)
def test_pages_say_where_they_are(shown, query, first, last, total, previous, following):
    page = shown(query).page
    assert (page.first, page.last, page.total) == (first, last, total)
    assert (page.previous_url, page.next_url) == (previous, following)


def test_an_ordering_turns_the_list_around(shown):
    assert shown("ordering=-name").page.rows[0].name == "S119"


def test_a_filter_is_a_chip_with_the_address_without_it(shown):
    view = shown("kind=edge&search=S1&page=2")
    assert {(chip.value, chip.remove_url) for chip in view.chips} == {
        ("Edge", "?search=S1"),
        ("S1", "?kind=edge"),
    }


def test_columns_for_the_file_only_are_not_on_the_page(shown):
    view = shown("")
    assert [column.key for column in view.heads] == ["name", "kind"]
    assert view.page.rows[0].uid not in view.body


def test_cells_are_escaped(shown, now):
    add_record(ACTOR, Site, {"name": "<b>"}, now)
    assert "&lt;b&gt;" in shown("search=%3Cb").body


@pytest.mark.parametrize("query", ["ordering=kind", "ordering=--name", "page=1.5", "kind=moon"])
def test_a_wrong_parameter_is_named(shown, query):
    with pytest.raises(Invalid) as error:
        shown(query)
    assert error.value.problems[0].pointer == f"/{query.split('=')[0]}"
