"""Files of jobs that come and go by the browser: uploaded code, and the script that repeats an attempt."""

import os
from pathlib import Path

from django.http import FileResponse, HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.http import require_GET, require_POST

from dcportal.accounts.identify import actor_of
from dcportal.common import reasons
from dcportal.common.clock import utcnow
from dcportal.common.problems import Invalid, NotFound, invalid
from jobs import access
from jobs.actions.uploads import add_upload
from jobs.paths import open_file_below

RUN_SCRIPT = "run.sh"


@require_POST
def upload_code(request: HttpRequest) -> HttpResponse:
    """Keep the archive in `file`; answers with its uid for the field `code.upload`."""
    file = request.FILES.get("file")
    if file is None:
        raise invalid("/file", "required")
    try:
        row = add_upload(actor_of(request), file.name or "", file.chunks(), utcnow())
    except Invalid as refusal:
        texts = [reasons.text(problem.code, problem.params) for problem in refusal.problems]
        return JsonResponse({"detail": " ".join(texts)}, status=422)
    return JsonResponse({"uid": row.uid, "name": row.file_name, "size_bytes": row.size_bytes}, status=201)


@require_GET
def run_script(request: HttpRequest, uid: str, number: int) -> FileResponse:
    """`run.sh` of an attempt, read beneath its work folder only."""
    job = access.one(access.jobs_visible_to(actor_of(request)), uid)
    attempt = job.attempts.filter(number=number).first()
    if attempt is None:
        raise NotFound()
    try:
        descriptor = open_file_below(Path(attempt.run_dir) / "work", RUN_SCRIPT)
    except OSError as error:
        raise NotFound() from error
    name = f"{job.uid}.{number}-{RUN_SCRIPT}"
    return FileResponse(os.fdopen(descriptor, "rb"), as_attachment=True, filename=name)
