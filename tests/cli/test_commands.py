"""`dcp` against a real server: what a person types and what comes back."""

import json
from collections.abc import Callable
from datetime import timedelta

import pytest
from click.testing import CliRunner, Result

from dcportal.accounts.actions import create_token
from dcportal.cli.__main__ import main
from dcportal.common.actors import Actor
from dcportal.common.clock import utcnow
from jobs.models import Job
from jobs.states import Desired

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def dcp(live_server, person, actor_named, monkeypatch, tmp_path) -> Callable[..., Result]:
    """`dcp("jobs")` as the member of the cast named `owner`, with a token of her own."""
    values = {
        "name": "laptop",
        "scopes": ["read", "jobs"],
        "role": "user",
        "expires_at": utcnow() + timedelta(days=1),
    }
    actor: Actor = actor_named("owner")
    _token, secret = create_token(actor, person("owner"), values, utcnow())
    monkeypatch.setenv("DCP_URL", live_server.url)
    monkeypatch.setenv("DCP_TOKEN", secret)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    return lambda *args: CliRunner().invoke(main, list(args), catch_exceptions=False)


@pytest.fixture(autouse=True)
def ground(db):
    """The rows that every installation starts with; TransactionTestCase empties the tables."""
    from jobs import builtin
    from jobs.models import Queue

    now = utcnow()
    if not Queue.objects.exists():
        from dcportal.common.changes import create

        create(Queue(name="default", is_default=True), now)
    builtin.ensure(now)


def test_a_command_line_becomes_a_job_named_after_its_script(dcp):
    result = dcp("submit", "--", "python", "train.py", "--fast")
    assert result.exit_code == 0, result.output
    job = Job.objects.get()
    assert (job.name, job.request["command"]) == ("train.py", ["python", "train.py", "--fast"])


def test_a_command_line_takes_the_place_of_what_the_file_trains(dcp, tmp_path):
    file = tmp_path / "job.toml"
    file.write_text('[job]\nname = "mine"\nnot_before = 2031-05-04T03:02:01Z\n[train]\nepochs = 3\n')
    result = dcp("submit", "-f", str(file), "--", "python", "train.py")
    assert result.exit_code == 0, result.output
    job = Job.objects.get()
    assert (job.name, job.request["command"], "train" in job.request) == (
        "mine",
        ["python", "train.py"],
        False,
    )
    assert job.not_before.isoformat() == "2031-05-04T03:02:01+00:00"


def test_a_file_that_is_no_toml_names_the_line(dcp, tmp_path):
    file = tmp_path / "job.toml"
    file.write_text("[job]\nname = \n")
    result = dcp("submit", "-f", str(file))
    assert result.exit_code == 1
    assert "line 2" in result.output
    assert not Job.objects.exists()


def test_an_option_made_from_a_dataclass_field_reaches_the_request(dcp):
    assert dcp("submit", "digits-cnn", "--train.epochs", "7").exit_code == 0
    assert Job.objects.get().request["train"]["epochs"] == 7


def test_an_out_of_range_value_is_refused_with_its_pointer(dcp):
    result = dcp("submit", "digits-cnn", "--train.epochs", "-3")
    assert (result.exit_code, "/train/epochs" in result.output) == (5, True)
    assert not Job.objects.exists()


def test_a_toml_file_and_an_option_are_one_request(dcp, tmp_path):
    file = tmp_path / "job.toml"
    file.write_text('[job]\nname = "from-file"\n[train]\nepochs = 3\n')
    assert dcp("submit", "-f", str(file), "--job.priority", "5").exit_code == 0
    job = Job.objects.get()
    assert (job.name, job.priority, job.request["train"]["epochs"]) == ("from-file", 5, 3)


def test_a_broken_toml_file_names_the_line(dcp, tmp_path):
    file = tmp_path / "job.toml"
    file.write_text("[job\n")
    result = dcp("submit", "-f", str(file))
    assert result.exit_code == 1
    assert "line 1" in result.output


def test_dry_run_starts_nothing(dcp):
    result = dcp("submit", "digits-cnn", "--dry-run")
    assert (result.exit_code, Job.objects.count()) == (0, 0)
    assert 'name = "digits-cnn"' in result.output


def test_the_list_is_also_json(dcp):
    dcp("submit", "digits-cnn")
    assert json.loads(dcp("jobs", "-o", "json").output)[0]["name"] == "digits-cnn"


def test_cancel_asks_for_the_stop(dcp):
    dcp("submit", "digits-cnn")
    job = Job.objects.get()
    assert dcp("cancel", job.uid).exit_code == 0
    job.refresh_from_db()
    assert job.desired == Desired.STOP


def test_somebody_elses_job_is_not_there(dcp, person, actor_named):
    from jobs import actions

    request = {"job": {"name": "secret"}, "command": ["true"]}
    job = actions.submit(actor_named("stranger"), request, utcnow())
    result = dcp("show", job.uid)
    assert result.exit_code == 4


def test_a_revoked_token_says_so(dcp, monkeypatch):
    monkeypatch.setenv("DCP_TOKEN", "dcp_api_wrong")
    assert dcp("jobs").exit_code == 3


def test_a_portal_that_does_not_answer_has_its_own_exit_code(dcp, monkeypatch):
    monkeypatch.setenv("DCP_URL", "http://127.0.0.1:1")
    assert dcp("jobs").exit_code == 6


def test_without_a_profile_it_says_how_to_get_one(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("DCP_URL", raising=False)
    monkeypatch.delenv("DCP_TOKEN", raising=False)
    result = CliRunner().invoke(main, ["jobs"])
    assert result.exit_code == 3
    assert "dcp login" in result.output
