"""Templates, environments, data sets, secrets, uploads and queues."""

import json
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core import serializers

from dcportal.audit.models import AuditEntry
from dcportal.common.actors import Actor
from dcportal.common.changes import create
from dcportal.common.problems import Conflict, Forbidden, Invalid
from jobs import access, actions, builtin, vault
from jobs.models import CodeUpload, Environment, Job, JobTemplate, Secret
from jobs.states import JobState

pytestmark = pytest.mark.django_db
Named = Callable[[str], Actor]
Request = Callable[..., dict[str, Any]]
CANARY = "canary-5f2d-value"


def test_a_template_fills_in_what_a_job_leaves_out(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    template = actions.save_template(actor_named("owner"), "Base", a_request("base"), now)
    job = actions.submit(actor_named("owner"), {"job": {"name": "mine"}}, now, template=template)
    assert (job.name, job.request["command"]) == ("mine", ["python", "train.py"])
    assert job.template_id == template.pk


def test_a_locked_setting_cannot_be_changed_by_a_job(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    template = actions.save_template(
        actor_named("owner"), "Base", a_request("base", resources={"ranks": 2}), now
    )
    locked = actions.lock_settings(actor_named("owner"), template, ["resources.ranks"], now)
    with pytest.raises(Invalid) as refusal:
        actions.submit(actor_named("owner"), {"resources": {"ranks": 4}}, now, template=locked)
    assert [(p.pointer, p.code) for p in refusal.value.problems] == [
        ("/resources/ranks", "locked_by_template")
    ]
    same = actions.submit(actor_named("owner"), {"resources": {"ranks": 2}}, now, template=locked)
    assert same.state == JobState.QUEUED


def test_an_edit_makes_the_next_version_and_leaves_the_old(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    first = actions.save_template(actor_named("owner"), "Base", a_request("base"), now)
    second = actions.edit_template(actor_named("owner"), first, {"name": "Better"}, now)
    assert (second.family, second.version, second.name) == (first.family, 2, "Better")
    assert JobTemplate.objects.get(pk=first.pk).superseded_at == now
    with pytest.raises(Conflict):
        actions.edit_template(actor_named("owner"), JobTemplate.objects.get(pk=first.pk), {}, now)


def test_a_retired_template_makes_no_jobs(actor_named: Named, a_request: Request, now: datetime) -> None:
    template = actions.save_template(actor_named("owner"), "Base", a_request("base"), now)
    actions.retire_template(actor_named("owner"), template, now)
    with pytest.raises(Invalid):
        actions.submit(actor_named("owner"), {"job": {"name": "x"}}, now, template=template)


def test_only_operators_share_with_the_site(actor_named: Named, a_request: Request, now: datetime) -> None:
    with pytest.raises(Forbidden):
        actions.save_template(actor_named("owner"), "Base", a_request(), now, for_site=True)
    template = actions.save_template(actor_named("operator"), "Base", a_request(), now, for_site=True)
    seen = access.shared_visible_to(JobTemplate.objects.all(), actor_named("stranger"))
    assert template in seen


def test_a_template_of_a_team_is_hidden_from_others(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    template = actions.save_template(actor_named("owner"), "Base", a_request(), now)
    assert template not in access.shared_visible_to(JobTemplate.objects.all(), actor_named("stranger"))
    assert template in access.shared_visible_to(JobTemplate.objects.all(), actor_named("teammate"))


def test_a_job_can_be_saved_as_a_template(
    submitted: Callable[..., Job], actor_named: Named, now: datetime
) -> None:
    template = actions.save_job_as_template(actor_named("owner"), submitted(), "From a job", now)
    assert "team" not in template.request["job"]


@pytest.mark.parametrize("locked", [["no.such"], "text", [7]])
def test_only_real_settings_can_be_locked(
    locked: Any, actor_named: Named, a_request: Request, now: datetime
) -> None:
    with pytest.raises(Invalid):
        actions.save_template(actor_named("owner"), "Base", a_request(), now, locked=locked)


def test_the_built_in_rows_are_made_once(now: datetime) -> None:
    for _ in range(2):
        builtin.ensure(now)
    assert set(JobTemplate.objects.values_list("builtin", flat=True)) == set(builtin.TEMPLATES)
    assert Environment.objects.get(is_default=True).name == "trainer"


def test_every_built_in_template_makes_a_job(actor_named: Named, now: datetime) -> None:
    builtin.ensure(now)
    for template in JobTemplate.objects.all():
        job = actions.submit(actor_named("owner"), {"job": {"name": "x"}}, now, template=template)
        assert job.ranks == 2


def test_an_environment_says_which_python_it_is(actor_named: Named, now: datetime) -> None:
    row = actions.add_environment(actor_named("owner"), "mine", sys.executable, now)
    actions.check_environment(actor_named("owner"), row, now)
    assert row.check_result["python"].startswith("3.")
    assert row.checked_at == now


def test_a_venv_folder_stands_for_its_python(actor_named: Named, now: datetime) -> None:
    folder = str(Path(sys.executable).parent.parent)
    row = actions.add_environment(actor_named("owner"), "mine", folder, now)
    assert row.interpreter == f"{folder}/bin/python"


@pytest.mark.parametrize("path", ["relative/python", "/no/such", "/etc/../bin/python", "", None, "/a\nb"])
def test_a_wrong_interpreter_is_refused(path: Any, actor_named: Named, now: datetime) -> None:
    with pytest.raises(Invalid):
        actions.add_environment(actor_named("owner"), "mine", path, now)


def test_a_data_set_is_measured_and_its_change_shows(
    actor_named: Named, now: datetime, tmp_path: Path
) -> None:
    (tmp_path / "a.bin").write_bytes(b"12345")
    row = actions.add_dataset(actor_named("owner"), "data", str(tmp_path), now)
    assert (row.size_bytes, row.num_files) == (5, 1)
    before = row.fingerprint
    (tmp_path / "b.bin").write_bytes(b"1")
    assert actions.scan_dataset(actor_named("owner"), row, now).fingerprint != before


def test_a_data_set_is_seen_by_its_readers_only(actor_named: Named, now: datetime, tmp_path: Path) -> None:
    actor_named("stranger")  # makes their team
    row = actions.add_dataset(actor_named("owner"), "data", str(tmp_path), now)
    assert row not in access.datasets_visible_to(actor_named("stranger"))
    actions.edit_dataset(actor_named("owner"), row, {"readers": ["vision"]}, now)
    assert row in access.datasets_visible_to(actor_named("stranger"))


def test_a_secret_is_kept_encrypted_and_never_shown(actor_named: Named, now: datetime) -> None:
    row = actions.add_secret(actor_named("owner"), "API_KEY", CANARY, now)
    actions.replace_secret(actor_named("owner"), row, now, value=CANARY + "2")
    stored = serializers.serialize("json", [*Secret.objects.all(), *AuditEntry.objects.all()])
    assert CANARY not in stored
    assert CANARY.encode() not in bytes(Secret.objects.get().ciphertext)
    assert vault.decrypt(Secret.objects.get().ciphertext) == CANARY + "2"


@pytest.mark.parametrize("name", ["1BAD", "DCP_JOB_ID", "with space", "", "A" * 200, None])
def test_a_secret_needs_the_name_of_a_variable(name: Any, actor_named: Named, now: datetime) -> None:
    with pytest.raises(Invalid):
        actions.add_secret(actor_named("owner"), name, "value", now)


def test_a_secret_of_an_open_job_stays(actor_named: Named, a_request: Request, now: datetime) -> None:
    row = actions.add_secret(actor_named("owner"), "API_KEY", CANARY, now)
    job = actions.submit(actor_named("owner"), a_request(secrets={"names": ["API_KEY"]}), now)
    assert CANARY not in json.dumps(job.request)
    with pytest.raises(Conflict):
        actions.remove_secret(actor_named("owner"), row, now)


def test_teammates_may_use_but_not_change_a_secret(
    actor_named: Named, a_request: Request, now: datetime
) -> None:
    row = actions.add_secret(actor_named("owner"), "API_KEY", CANARY, now)
    actions.submit(actor_named("teammate"), a_request(secrets={"names": ["API_KEY"]}), now)
    with pytest.raises(Forbidden):
        actions.replace_secret(actor_named("teammate"), row, now, value="x")


def test_an_upload_is_kept_with_its_hash(actor_named: Named, now: datetime) -> None:
    row = actions.add_upload(actor_named("owner"), "code.zip", [b"ab", b"c"], now)
    from jobs.actions.uploads import upload_path

    assert upload_path(row).read_bytes() == b"abc"
    assert row.size_bytes == 3


def test_an_upload_beyond_the_limit_leaves_nothing(actor_named: Named, now: datetime, settings: Any) -> None:
    settings.CODE_UPLOAD_MAX_BYTES = 4
    with pytest.raises(Invalid):
        actions.add_upload(actor_named("owner"), "code.zip", [b"123", b"45"], now)
    assert not CodeUpload.objects.exists()


@pytest.mark.parametrize("name", ["code.exe", "../../etc/passwd", "", "a\x00.zip"])
def test_an_upload_must_be_an_archive(name: str, actor_named: Named, now: datetime) -> None:
    with pytest.raises(Invalid):
        actions.add_upload(actor_named("owner"), name, [b"abc"], now)


def test_the_default_queue_cannot_be_removed(actor_named: Named, now: datetime) -> None:
    from jobs.models import Queue

    # Made by a migration; a transactional test that ran before in this process has emptied the table.
    queue = Queue.objects.filter(is_default=True).first()
    queue = queue or create(Queue(name="default", is_default=True), now)
    with pytest.raises(Conflict):
        actions.remove_queue(actor_named("operator"), queue, now)
    with pytest.raises(Forbidden):
        actions.add_queue(actor_named("owner"), "mine", now)
