"""Reading the trail: operators all of it, others what they did themselves."""

import pytest

from dcportal.audit.actions import record
from dcportal.audit.models import AuditEntry


@pytest.fixture
def entries(actor_named, person, now):
    def note(who, verb, **sides):
        record(actor_named(who), verb, person("owner"), now=now, **sides)
        return AuditEntry.objects.latest("id")

    return {
        "own": note("owner", "user.edit_profile", before={"theme": "light"}, after={"theme": "dark"}),
        "other": note("admin", "user.edit", before={"role": "user"}, after={"role": "operator"}),
    }


@pytest.mark.parametrize(("who", "count"), [("admin", 2), ("operator", 2), ("owner", 1), ("stranger", 0)])
def test_everybody_sees_what_is_theirs_to_see(client_of, entries, who, count):
    view = client_of(who).get("/audit/").context["list"]
    assert view.page.total == count


def test_a_foreign_entry_is_not_found(client_of, entries):
    assert client_of("owner").get(f"/audit/{entries['other'].uid}/").status_code == 404
    assert client_of("owner").get(f"/audit/{entries['own'].uid}/").status_code == 200


def test_an_entry_shows_before_and_after(client_of, entries):
    page = client_of("admin").get(f"/audit/{entries['other'].uid}/").content.decode()
    assert "<del>user</del>" in page
    assert "<ins>operator</ins>" in page


def test_hostile_values_stay_text(client_of, actor_named, person, now):
    hostile = "<img src=x onerror=alert(1)>"
    record(actor_named("admin"), "user.edit", person("owner"), before={"a": hostile}, after={"a": 1}, now=now)
    page = client_of("admin").get(f"/audit/{AuditEntry.objects.latest('id').uid}/").content.decode()
    assert "<img" not in page


@pytest.mark.parametrize(
    ("query", "count"),
    [
        ("verb=user.edit", 1),
        ("via=web", 2),
        ("via=api", 0),
        ("since=2026-11-24T13:32:07Z", 2),
        ("until=2026-11-24T13:32:07Z", 0),
        ("search=admin", 1),
    ],
)
def test_the_trail_is_narrowed(client_of, entries, query, count):
    assert client_of("admin").get(f"/audit/?{query}").context["list"].page.total == count


@pytest.mark.parametrize("query", ["since=yesterday", "via=pigeon", "since=9e99"])
def test_a_wrong_filter_is_named(client_of, entries, query):
    answer = client_of("admin").get(f"/audit/?{query}")
    assert answer.status_code == 422
    assert query.split("=")[0] in answer.content.decode()


def test_the_trail_cannot_be_written_over_any_route(client_of, entries):
    client = client_of("admin")
    uid = entries["own"].uid
    for path in ("/api/v1/audit", f"/api/v1/audit/{uid}"):
        for method in ("post", "put", "patch", "delete"):
            assert getattr(client, method)(path).status_code == 405
