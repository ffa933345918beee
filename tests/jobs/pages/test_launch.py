"""The launch page: one request as form, TOML and command line; what it refuses and what it keeps."""

import json
import re
from dataclasses import dataclass

import click
import pytest
from click.testing import CliRunner
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from dcportal.cli import options
from jobs import builtin
from jobs.models import Job, JobTemplate
from trainer.spec.fields import section, setting
from trainer.spec.job import JobSpec
from trainer.spec.train import TrainConfig
from trainer.spec.validation import validate

pytestmark = pytest.mark.django_db
URL = "/launch/"
DRAFT = "/launch/draft/"
REQUEST_USERS = (
    "jobs.forms.request", "jobs.notation", "trainer.spec.validation", "dcportal.cli.options",
)  # fmt: skip


@dataclass(frozen=True)
class SoupTrain(TrainConfig):
    soup_ratio: float = setting(0.5, label="Soup", help="A setting of this test.", minimum=0.0, maximum=1.0)


@dataclass(frozen=True)
class SoupJob(JobSpec):
    train: SoupTrain | None = section(SoupTrain, label="Training", optional=True)  # noqa: RUF009


@pytest.fixture
def soup(monkeypatch):
    """The trainer has one more setting, `train.soup_ratio` from 0 to 1."""
    for module in REQUEST_USERS:
        monkeypatch.setattr(f"{module}.JobSpec", SoupJob)


@pytest.fixture(autouse=True)
def machine(node_with, now):
    builtin.ensure(now)
    return node_with("n1", gpus=0)


@pytest.fixture
def digits(machine):
    return JobTemplate.objects.get(builtin="digits-cnn", superseded_at=None)


@pytest.fixture
def owner_client(client_of):
    return client_of("owner")


def text_of(answer):
    return answer.content.decode()


def error_at(html, name):
    """The message beside a field, empty while there is none."""
    found = re.search(
        rf'data-field="{re.escape(name)}">.*?(?=data-field=|</fieldset>|</details>)', html, re.S
    )
    assert found, name
    message = re.search(r"field-error.*?<span>(.*?)</span>", found.group(), re.S)
    return message.group(1) if message else ""


def form_of(**changes):
    return {name.replace("__", "."): value for name, value in changes.items()}


def test_a_new_field_of_the_trainer_is_a_field_of_the_form(soup, owner_client, digits):
    html = text_of(owner_client.get(URL, {"template": digits.uid}))
    assert 'name="train.soup_ratio" value="0.5"' in html
    assert "A setting of this test." in html


def test_a_new_field_of_the_trainer_is_an_option_of_the_cli(soup):
    assert given_by_cli("--train.soup_ratio", "0.25") == {"train": {"soup_ratio": 0.25}}


def test_a_value_out_of_range_is_refused_at_one_pointer_by_form_toml_cli_and_rest(soup, owner_client, digits):
    query = f"?template={digits.uid}"
    by_form = owner_client.post(URL + query, form_of(train__soup_ratio="7"))
    toml = '[job]\nname = "x"\n[train]\nsoup_ratio = 7\n'
    by_toml = owner_client.post(DRAFT + query, {"source": "toml", "toml": toml})
    body = {"job": {"name": "x"}, "train": {"soup_ratio": 7}}
    by_rest = owner_client.post("/api/v1/jobs/", json.dumps(body), content_type="application/json")
    by_cli = validate({"job": {"name": "x"}, **given_by_cli("--train.soup_ratio", "7")})
    assert by_form.status_code == 422
    assert (
        error_at(text_of(by_form), "train.soup_ratio") == error_at(text_of(by_toml), "train.soup_ratio") != ""
    )
    pointers = [each["pointer"] for each in by_rest.json()["errors"]]
    assert pointers == ["/train/soup_ratio"] == [each.pointer for each in by_cli]
    assert not Job.objects.exists()


def given_by_cli(*arguments):
    seen = {}
    command = options.spec_options(click.Command("submit", callback=lambda **given: seen.update(given)))
    result = CliRunner().invoke(command, list(arguments), catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return options.overlay(seen)


def test_launching_goes_to_the_page_of_the_job(owner_client, digits):
    answer = owner_client.post(f"{URL}?template={digits.uid}", form_of(job__name="mine", train__epochs="3"))
    job = Job.objects.get()
    assert answer.url == reverse("jobs:job-detail", args=[job.uid])
    assert (job.name, job.request["train"]["epochs"], job.template) == ("mine", 3, digits)


def test_a_draft_changes_nothing(owner_client, digits):
    answer = owner_client.post(f"{DRAFT}?template={digits.uid}", form_of(train__epochs="7"))
    assert "epochs = 7" in text_of(answer)
    assert not Job.objects.exists()


def test_toml_that_is_none_keeps_the_form_and_names_the_line(owner_client, digits):
    answer = owner_client.post(f"{DRAFT}?template={digits.uid}", {"source": "toml", "toml": "[job\n"})
    assert answer.status_code == 200
    assert "line 1" in text_of(answer)


def test_what_a_template_locks_cannot_be_typed_over(owner_client, digits):
    JobTemplate.objects.filter(pk=digits.pk).update(
        locked=["train.epochs"], request=digits.request | {"train": {**digits.request["train"], "epochs": 9}}
    )
    html = text_of(owner_client.get(URL, {"template": digits.uid}))
    assert re.search(r'name="train.epochs"[^>]*disabled', html)
    assert "set by the template" in html
    owner_client.post(f"{URL}?template={digits.uid}", form_of(job__name="x", train__epochs="1"))
    assert Job.objects.get().request["train"]["epochs"] == 9


def test_a_lock_holds_against_toml_too(owner_client, digits):
    JobTemplate.objects.filter(pk=digits.pk).update(locked=["train.epochs"])
    toml = '[job]\nname = "x"\n[train]\nepochs = 1\n'
    answer = owner_client.post(f"{DRAFT}?template={digits.uid}", {"source": "toml", "toml": toml})
    assert "The template locks train.epochs." in text_of(answer)


@pytest.mark.parametrize("uid", ["abcdefghjkmn", "../../etc", "%00", "x" * 4000])
@pytest.mark.parametrize("name", ["template", "clone"])
def test_an_unknown_source_is_not_found(owner_client, name, uid):
    assert owner_client.get(f"{URL}?{name}={uid}").status_code == 404


def test_a_clone_starts_with_the_request_of_the_job(owner_client, submitted):
    job = submitted("owner", name="first", resources={"ranks": 3})
    html = text_of(owner_client.get(URL, {"clone": job.uid}))
    assert 'value="first"' in html
    assert re.search(r'name="resources.ranks" value="3"', html)
    owner_client.post(f"{URL}?clone={job.uid}", form_of(job__name="second"))
    assert Job.objects.get(name="second").cloned_from == job


def test_the_past_jobs_of_the_person_are_offered(owner_client, submitted):
    job = submitted("owner", name="last-week")
    assert f"?clone={job.uid}" in text_of(owner_client.get(URL))


def test_a_foreign_job_cannot_be_cloned(client_of, submitted):
    assert client_of("stranger").get(URL, {"clone": submitted("owner").uid}).status_code == 404


def test_the_form_is_kept_as_a_template(owner_client, digits):
    values = form_of(job__name="x", train__epochs="5") | {"template_name": "five"}
    answer = owner_client.post(f"/launch/template/?template={digits.uid}", values)
    row = JobTemplate.objects.get(name="five")
    assert row.uid in answer.url
    assert row.request["train"]["epochs"] == 5


def test_a_wrong_form_is_not_kept_as_a_template(owner_client, digits):
    values = form_of(train__epochs="-5") | {"template_name": "five"}
    answer = owner_client.post(f"/launch/template/?template={digits.uid}", values)
    assert answer.status_code == 422
    assert error_at(text_of(answer), "train.epochs")
    assert not JobTemplate.objects.filter(name="five").exists()


def test_an_own_script_offers_to_upload_an_archive(owner_client):
    own = JobTemplate.objects.get(builtin="own-script")
    assert 'data-upload-url="/launch/upload/"' in text_of(owner_client.get(URL, {"template": own.uid}))


def test_what_is_no_archive_is_refused_with_a_sentence(owner_client):
    answer = owner_client.post("/launch/upload/", {"file": SimpleUploadedFile("notes.txt", b"x")})
    assert answer.status_code == 422
    assert "archive" in answer.json()["detail"]


def test_viewers_do_not_launch(client_of):
    assert client_of("viewer").get(URL).status_code == 403


def test_a_folded_setting_that_is_wrong_is_unfolded(owner_client, digits):
    values = form_of(job__name="x", job__not_before="never")
    html = text_of(owner_client.post(f"{URL}?template={digits.uid}", values))
    assert error_at(html, "job.not_before")
    assert re.search(r'<details class="launch-advanced" open>(?:(?!</details>).)*job\.not_before', html, re.S)
