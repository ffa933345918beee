"""Coming in, and the pages of people, teams and tokens."""

import pytest
from django.test import Client

from dcportal.accounts.actions import issue_sign_in_link
from dcportal.accounts.models import ApiToken, Membership, Team, User
from dcportal.audit.models import AuditEntry
from dcportal.common.actors import system_actor
from dcportal.common.clock import utcnow

PASSWORD = "correct horse battery"


@pytest.fixture
def link(person):
    return lambda name: f"/link/{issue_sign_in_link(person(name), system_actor('test'), utcnow())}/"


def test_a_password_signs_in_and_leads_where_one_was_going(person):
    person("owner")
    client = Client()
    assert client.get("/profile/")["Location"] == "/sign-in/?next=/profile/"
    answer = client.post(
        "/sign-in/?next=/profile/", {"username": "owner", "password": PASSWORD, "next": "/profile/"}
    )
    assert answer["Location"] == "/profile/"
    assert AuditEntry.objects.filter(verb="session.begin").exists()


@pytest.mark.parametrize("target", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
def test_signing_in_never_leads_to_another_host(person, target):
    person("owner")
    answer = Client().post("/sign-in/", {"username": "owner", "password": PASSWORD, "next": target})
    assert "evil" not in answer["Location"]
    assert "javascript" not in answer["Location"]


def test_an_unknown_name_and_a_wrong_password_get_the_same_page(person):
    person("owner")
    pages = []
    for name in ("owner", "nobody"):
        answer = Client().post("/sign-in/", {"username": name, "password": "wrong"})
        page = answer.content.decode()
        assert answer.status_code == 422
        pages.append(page[page.index("<form") :].replace(name, "").split("csrfmiddlewaretoken")[0])
    assert pages[0] == pages[1]


def test_a_deactivated_person_gets_the_same_page(person):
    User.objects.filter(pk=person("owner").pk).update(is_active=False)
    answer = Client().post("/sign-in/", {"username": "owner", "password": PASSWORD})
    assert answer.status_code == 422
    assert "inactive" not in answer.content.decode()


def test_guessing_is_slowed_down(person):
    person("owner")
    client = Client()
    for _number in range(10):
        answer = client.post("/sign-in/", {"username": "owner", "password": "wrong"})
    assert answer.status_code == 429
    assert client.post("/sign-in/", {"username": "owner", "password": PASSWORD}).status_code == 429
    assert AuditEntry.objects.filter(verb="session.refused").count() >= 9


@pytest.mark.parametrize("name", ["", "x" * 5000, "\x00"])
def test_an_odd_name_is_a_clean_refusal(db, name):
    body = {"username": name, "password": "x"}
    assert Client().post("/sign-in/", body).status_code in {422, 429}


def test_a_link_asks_for_a_click_and_then_works_once(link):
    client, url = Client(), link("owner")
    assert client.get(url).status_code == 200
    assert client.get(url).status_code == 200
    assert client.post(url).status_code == 302
    assert client.get("/profile/").status_code == 200
    assert Client().post(url).status_code == 404
    assert Client().get(url).status_code == 404


def test_the_links_page_gives_its_secret_to_nobody(link):
    assert Client().get(link("owner"))["Referrer-Policy"] == "strict-origin"


@pytest.mark.parametrize("secret", ["x", "%00", "%ed%a0%80", "a" * 2000])
def test_a_made_up_link_is_not_found(db, secret):
    assert Client().get(f"/link/{secret}/").status_code == 404


def test_signing_out_needs_a_post_and_ends_the_session(client_of):
    client = client_of("owner")
    assert client.get("/sign-out/").status_code == 405
    client.post("/sign-out/")
    assert client.get("/profile/").status_code == 302


def test_a_profile_is_saved(client_of, person):
    body = {
        "full_name": "O",
        "email": "",
        "language": "zh-hans",
        "timezone": "Asia/Shanghai",
        "theme": "dark",
    }
    assert client_of("owner").post("/profile/", body).status_code == 302
    saved = User.objects.get(username="owner")
    assert (saved.language, saved.timezone, saved.theme) == ("zh-hans", "Asia/Shanghai", "dark")


def test_a_new_password_keeps_this_browser_and_ends_the_others(client_of, person):
    here, there = client_of("owner"), client_of("owner")
    body = {"current": PASSWORD, "password": "another long phrase 9", "again": "another long phrase 9"}
    assert here.post("/profile/password/", body).status_code == 302
    assert here.get("/profile/").status_code == 200
    assert there.get("/profile/").status_code == 302


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"current": "no"}, "current"),
        ({"again": "other"}, "again"),
        ({"password": "x", "again": "x"}, "password"),
    ],
)
def test_a_wrong_password_change_names_the_field(client_of, change, field):
    body = {"current": PASSWORD, "password": "another long phrase 9", "again": "another long phrase 9"}
    answer = client_of("owner").post("/profile/password/", body | change)
    assert answer.status_code == 422
    assert field in answer.context["form"].errors


def test_an_administrator_adds_a_person_and_hands_over_a_link(client_of):
    client = client_of("admin")
    client.post("/users/new/", {"username": "a.keller", "role": "user"})
    user = User.objects.get(username="a.keller")
    page = client.post(f"/users/{user.uid}/link/").content.decode()
    assert "/link/dcp_link_" in page


def test_an_administrator_locks_a_person_out_and_in_again(client_of, person):
    client, uid = client_of("admin"), person("owner").uid
    client.post(f"/users/{uid}/deactivate/")
    assert not User.objects.get(uid=uid).is_active
    client.post(f"/users/{uid}/reactivate/")
    assert User.objects.get(uid=uid).is_active


def test_a_stranger_is_not_found(client_of, person):
    assert client_of("stranger").get(f"/users/{person('owner').uid}/").status_code == 404
    assert client_of("teammate").get(f"/users/{person('owner').uid}/").status_code == 200


def test_a_teammate_does_not_see_the_e_mail(client_of, person):
    User.objects.filter(pk=person("owner").pk).update(email="o@example.org")
    assert "o@example.org" not in client_of("teammate").get(f"/users/{person('owner').uid}/").content.decode()


def test_a_team_is_made_and_filled(client_of, person):
    client, owner = client_of("operator"), person("owner")
    client.post("/teams/new/", {"name": "robotics"})
    team = Team.objects.get(name="robotics")
    assert client.post(f"/teams/{team.uid}/members/", {"user": owner.uid, "role": "user"}).status_code == 302
    membership = Membership.objects.get(team=team)
    client.post(f"/teams/{team.uid}/members/{membership.uid}/", {"role": "operator"})
    assert Membership.objects.get(team=team).role == "operator"
    client.post(f"/teams/{team.uid}/members/{membership.uid}/remove/")
    assert not Membership.objects.filter(team=team).exists()


def test_a_foreign_team_is_not_found(client_of, person, team_named):
    person("owner")
    assert client_of("stranger").get(f"/teams/{team_named('research').uid}/").status_code == 404


def test_a_token_is_made_shown_once_and_revoked(client_of):
    client = client_of("owner")
    body = {"name": "laptop", "role": "user", "scopes": ["read", "jobs"], "days": "30"}
    page = client.post("/tokens/new/", body)
    assert "dcp_api_" in page.content.decode()
    assert "no-store" in page["Cache-Control"]
    token = ApiToken.objects.get()
    assert "dcp_api_" not in client.get(f"/tokens/{token.uid}/").content.decode()
    client.post(f"/tokens/{token.uid}/revoke/")
    token.refresh_from_db()
    assert token.revoked_at


def test_a_foreign_token_is_not_found(client_of, person):
    client_of("owner").post("/tokens/new/", {"name": "x", "role": "user", "scopes": ["read"], "days": "7"})
    uid = ApiToken.objects.get().uid
    stranger = client_of("teammate")
    assert stranger.get(f"/tokens/{uid}/").status_code == 404
    assert stranger.post(f"/tokens/{uid}/revoke/").status_code == 404
    assert client_of("admin").get(f"/tokens/{uid}/").status_code == 200


@pytest.mark.parametrize("path", ["/users/", "/teams/", "/tokens/"])
def test_every_list_shows_and_exports(client_of, path):
    client = client_of("admin")
    assert client.get(path).status_code == 200
    assert client.get(f"{path}?format=csv")["Content-Type"].startswith("text/csv")


def test_the_language_menu_speaks_to_visitors_and_to_their_owners(client_of, person):
    visitor, client = Client(), client_of("owner")
    for each in (visitor, client):
        each.post("/i18n/setlang/", {"language": "zh-hans", "next": "/sign-in/"})
    assert visitor.get("/sign-in/")["Content-Language"] == "zh-hans"
    assert client.get("/profile/")["Content-Language"] == "zh-hans"
    assert User.objects.get(username="owner").language == "zh-hans"


def test_who_chose_no_language_gets_that_of_the_browser(client_of):
    client = client_of("owner")
    assert client.get("/profile/", headers={"accept-language": "zh-CN"})["Content-Language"] == "zh-hans"
    assert client.get("/profile/", headers={"accept-language": "en-GB"})["Content-Language"] == "en"


def test_a_language_that_there_is_not_changes_nothing(client_of):
    client_of("owner").post("/i18n/setlang/", {"language": "tlh"})
    assert User.objects.get(username="owner").language == ""


def test_the_chosen_theme_is_on_the_page(client_of, person):
    User.objects.filter(pk=person("owner").pk).update(theme="dark")
    assert 'data-theme="dark"' in client_of("owner").get("/profile/").content.decode()
