"""What holds for every route: problem+json, schema, health, default deny."""

import json

import pytest
from django.test import Client


@pytest.mark.parametrize("path", ["/api/", "/api/v1/nope", "/api/v1/sites/abc", "/api/v2/sites"])
def test_an_unknown_route_is_a_problem(caller, path):
    response = Client().get(path, headers=caller("viewer").headers)
    assert response.status_code == 404
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == 404


def test_a_wrong_method_is_a_problem(caller):
    response = caller("operator").delete("sites")
    assert (response.status_code, response.json()["code"]) == (405, "method_not_allowed")


def test_a_wrong_media_type_is_a_problem(caller):
    operator = caller("operator")
    response = operator.client.post(
        "/api/v1/sites", "<x/>", content_type="text/xml", headers=operator.headers
    )
    assert (response.status_code, response.json()["code"]) == (415, "unsupported_media_type")


def test_a_body_above_the_limit_is_a_problem(caller):
    response = caller("operator").post("sites", b'"' + b"x" * (6 * 1024 * 1024) + b'"')
    assert (response.status_code, response.json()["code"]) == (413, "body_too_large")


def test_a_session_without_csrf_token_cannot_write(person):
    client = Client(enforce_csrf_checks=True)
    client.force_login(person("operator"), backend="django.contrib.auth.backends.ModelBackend")
    response = client.post("/api/v1/sites", {"name": "X"}, content_type="application/json")
    assert response.status_code == 403
    assert response["Content-Type"] == "application/problem+json"


def test_a_forged_host_is_refused(db):
    response = Client().get("/api/v1/sites", headers={"host": "evil.example"})
    assert (response.status_code, response.json()["code"]) == (400, "suspicious_request")


def test_the_schema_is_openapi_3_1_and_names_every_list(caller):
    response = Client().get("/api/schema/", headers=caller("viewer").headers)
    schema = json.loads(response.content)
    assert schema["openapi"].startswith("3.1")
    wanted = {"sites", "rooms", "rows", "racks", "node-types", "nodes", "accelerators", "users", "teams"}
    found = {path.split("/")[3] for path in schema["paths"]}
    assert wanted | {"tokens", "audit", "node-tokens", "me"} <= found


def test_the_schema_is_sent_once_to_those_who_keep_it(caller):
    headers = caller("viewer").headers
    etag = Client().get("/api/schema/", headers=headers)["ETag"]
    assert Client().get("/api/schema/", headers={**headers, "if-none-match": etag}).status_code == 304


def test_the_schema_needs_a_sign_in(db):
    assert Client().get("/api/schema/").status_code == 401
    assert Client().get("/api/docs/")["Location"].startswith("/sign-in/")


def test_the_schema_browser_asks_no_other_host_and_has_no_inline_script(client_of):
    page = client_of("viewer").get("/api/docs/").content.decode()
    assert "http://" not in page
    assert "https://" not in page
    assert "<script>" not in page


def test_health_is_open_and_readiness_says_what_it_checked(db):
    assert Client().get("/healthz").json() == {"status": "ok"}
    ready = Client().get("/readyz")
    assert ready.json()["checks"]["database"] == "ok"


def test_every_answer_has_a_request_id(db):
    assert Client().get("/healthz", headers={"x-request-id": "abc-1"})["X-Request-ID"] == "abc-1"
    assert len(Client().get("/healthz", headers={"x-request-id": "a b\n"})["X-Request-ID"]) == 12


def test_me_says_who_the_token_is(caller):
    me = caller("owner", scopes=["read"]).get("me").json()
    assert (me["username"], me["role"], me["scopes"], me["kind"]) == ("owner", "user", ["read"], "token")


def test_a_form_above_the_limit_is_a_clean_page(client_of):
    body = b"name=" + b"x" * (6 * 1024 * 1024)
    answer = client_of("operator").post("/sites/new/", body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413
    assert b"larger than the portal accepts" in answer.content


@pytest.mark.parametrize("path", ["/sign-in/", "/nodes/", "/audit/", "/profile/", "/nodes/?page=x", "/nope/"])
def test_every_page_carries_its_security_headers(client_of, path):
    answer = client_of("viewer").get(path)
    policy = answer["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe-eval" not in policy
    assert "frame-ancestors 'none'" in policy
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["X-Frame-Options"] == "DENY"


def test_no_page_has_an_inline_script_or_handler(client_of):
    client = client_of("admin")
    for path in ("/nodes/", "/sites/new/", "/users/", "/tokens/new/", "/audit/", "/profile/", "/racks/"):
        page = client.get(path).content.decode()
        assert "<script>" not in page
        assert " onclick=" not in page
        assert " style=" not in page
        assert "<style" not in page


def test_the_schema_is_valid_and_is_made_without_a_warning():
    from drf_spectacular.drainage import GENERATOR_STATS
    from drf_spectacular.generators import SchemaGenerator
    from drf_spectacular.validation import validate_schema

    GENERATOR_STATS.reset()
    schema = SchemaGenerator().get_schema(request=None, public=True)
    validate_schema(schema)
    assert not GENERATOR_STATS._warn_cache, dict(GENERATOR_STATS._warn_cache)
    assert not GENERATOR_STATS._error_cache, dict(GENERATOR_STATS._error_cache)
