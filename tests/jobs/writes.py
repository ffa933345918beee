"""Every write of jobs, notices and the first page: how it is called, by whom, and which line it leaves.

Read by `tests/audit/test_every_write_is_audited.py`, which fails for a route that stands in no table.
"""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

World = Mapping[str, Any]
Make = Callable[[World], Any]


@dataclass(frozen=True)
class Write:
    """`path` has places for uids of the world's rows, as `jobs/{job}/cancel`."""

    path: str
    verb: str
    who: str = "owner"
    body: Make = field(default=lambda world: {})


def _request(name: str = "written") -> dict[str, Any]:
    return {"job": {"name": name}, "command": ["python", "train.py"]}


def _launch(world: World) -> dict[str, str]:
    return world["launch_fields"]


PAGES: dict[str, Write] = {
    "jobs:launch": Write("launch/", "job.submit", body=_launch),
    "jobs:launch-template": Write("launch/template/", "job_template.create", body=_launch),
    "jobs:launch-upload": Write("launch/upload/", "code_upload.create", body=lambda w: {"file": w["file"]()}),
    "jobs:job-bulk": Write(
        "jobs/bulk/", "job.cancel", body=lambda w: {"action": "cancel", "uid": [w["job"]]}
    ),
    "jobs:job-cancel": Write("jobs/{job}/cancel/", "job.cancel"),
    "jobs:job-hold": Write("jobs/{job}/hold/", "job.hold"),
    "jobs:job-release": Write("jobs/{held}/release/", "job.release"),
    "jobs:job-save-template": Write("jobs/{job}/template/", "job_template.create"),
    "jobs:job-webhook-add": Write(
        "jobs/{job}/webhooks/", "webhook.create", body=lambda w: {"url": "https://93.184.216.34/x"}
    ),
    "jobs:job-webhook-switch": Write("jobs/{job}/webhooks/{webhook}/", "webhook.edit"),
    "jobs:template-edit": Write(
        "templates/{template}/",
        "job_template.edit",
        body=lambda w: {"name": "T2", "request": 'command = ["python", "train.py"]\n[job]\nname = "x"\n'},
    ),
    "jobs:template-retire": Write("templates/{template}/retire/", "job_template.retire"),
    "jobs:environment-list": Write(
        "environments/",
        "environment.create",
        body=lambda w: {"name": "second", "interpreter": sys.executable, "team": "research"},
    ),
    "jobs:environment-check": Write("environments/{environment}/check/", "environment.check"),
    "jobs:environment-remove": Write("environments/{environment}/remove/", "environment.delete"),
    "jobs:dataset-list": Write(
        "datasets/",
        "dataset.create",
        body=lambda w: {"name": "second", "path": w["other_folder"], "team": "research"},
    ),
    "jobs:dataset-scan": Write("datasets/{dataset}/scan/", "dataset.scan"),
    "jobs:dataset-remove": Write("datasets/{dataset}/remove/", "dataset.delete"),
    "jobs:secret-list": Write(
        "secrets/",
        "secret.create",
        body=lambda w: {"name": "SECOND_KEY", "value": "canary", "team": "research"},
    ),
    "jobs:secret-remove": Write("secrets/{secret}/remove/", "secret.delete"),
    "jobs:queue-list": Write(
        "queues/", "queue.create", "operator", lambda w: {"name": "second", "weight": "1"}
    ),
    "dashboard:demo-hall-show": Write("demo-hall/show/", "node_token.create", "operator"),
    "dashboard:demo-hall-remove": Write("demo-hall/remove/", "node_token.revoke", "operator"),
}

READ_ONLY = {
    "jobs:launch-draft",
    "jobs:job-list",
    "jobs:job-csv",
    "jobs:job-detail",
    "jobs:job-live",
    "jobs:job-side",
    "jobs:job-curves",
    "jobs:job-run-script",
    "jobs:template-list",
    "dashboard:overview",
    "dashboard:set-up",
    "dashboard:node-live",
    "dashboard:search",
    "dashboard:power",
    "monitoring:metrics",
}

OPERATIONS: dict[str, Write] = {
    "POST jobs": Write("jobs", "job.submit", body=lambda w: _request()),
    "POST jobs/cancel": Write("jobs/cancel", "job.cancel", body=lambda w: {"jobs": [w["job"]]}),
    "PATCH jobs/{uid}": Write("jobs/{job}", "job.priority", "operator", lambda w: {"priority": 7}),
    "POST jobs/{uid}/cancel": Write("jobs/{job}/cancel", "job.cancel"),
    "POST jobs/{uid}/clone": Write("jobs/{job}/clone", "job.submit"),
    "POST jobs/{uid}/hold": Write("jobs/{job}/hold", "job.hold"),
    "POST jobs/{uid}/release": Write("jobs/{held}/release", "job.release"),
    "POST job-templates": Write(
        "job-templates", "job_template.create", body=lambda w: {"name": "N", "request": _request()}
    ),
    "PATCH job-templates/{uid}": Write(
        "job-templates/{template}", "job_template.edit", body=lambda w: {"name": "T3"}
    ),
    "POST job-templates/{uid}/retire": Write("job-templates/{template}/retire", "job_template.retire"),
    "POST environments": Write(
        "environments", "environment.create", body=lambda w: {"name": "s", "interpreter": sys.executable}
    ),
    "PATCH environments/{uid}": Write(
        "environments/{environment}", "environment.edit", body=lambda w: {"description": "d"}
    ),
    "DELETE environments/{uid}": Write("environments/{environment}", "environment.delete"),
    "POST environments/{uid}/check": Write("environments/{environment}/check", "environment.check"),
    "POST datasets": Write(
        "datasets", "dataset.create", body=lambda w: {"name": "s", "path": w["other_folder"]}
    ),
    "PATCH datasets/{uid}": Write("datasets/{dataset}", "dataset.edit", body=lambda w: {"description": "d"}),
    "DELETE datasets/{uid}": Write("datasets/{dataset}", "dataset.delete"),
    "POST datasets/{uid}/scan": Write("datasets/{dataset}/scan", "dataset.scan"),
    "POST secrets": Write("secrets", "secret.create", body=lambda w: {"name": "S_KEY", "value": "canary"}),
    "PATCH secrets/{uid}": Write("secrets/{secret}", "secret.edit", body=lambda w: {"value": "canary2"}),
    "DELETE secrets/{uid}": Write("secrets/{secret}", "secret.delete"),
    "POST queues": Write("queues", "queue.create", "operator", lambda w: {"name": "s"}),
    "PATCH queues/{uid}": Write("queues/{queue}", "queue.edit", "operator", lambda w: {"weight": 3}),
    "DELETE queues/{uid}": Write("queues/{queue}", "queue.delete", "operator"),
    "POST code-uploads": Write("code-uploads", "code_upload.create", body=lambda w: {"file": w["file"]()}),
    "POST webhooks": Write(
        "webhooks",
        "webhook.create",
        body=lambda w: {"name": "s", "url": "https://93.184.216.34/y", "team": "research"},
    ),
    "PATCH webhooks/{uid}": Write("webhooks/{webhook}", "webhook.edit", body=lambda w: {"name": "s2"}),
    "DELETE webhooks/{uid}": Write("webhooks/{webhook}", "webhook.delete"),
}

NO_LINE = {
    "POST jobs/validate",  # starts nothing
    "POST notices/read",  # one's own inbox
}
