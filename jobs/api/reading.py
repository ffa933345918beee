"""Logs, events, curves and files of a job, as JSON."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from django.http import FileResponse, StreamingHttpResponse
from drf_spectacular.utils import OpenApiParameter

from dcportal.common import reasons
from dcportal.common.problems import NotFound
from jobs import paths, queries
from jobs.api.parameters import bad, number, whole
from jobs.board import Board
from jobs.engines.runner.logwindow import LogWindow
from jobs.models import Attempt, Job

LOG_LIMIT = 2**20
PARAMETERS: dict[str, set[str]] = {
    "logs": {"offset", "limit", "attempt", "source", "lines", "plain", "download"},
    "events": {"after", "limit"},
    "metrics": {"names", "attempt", "after_step", "points"},
    "artifact_content": {"path", "attempt"},
}
LOG_PARAMETERS = [
    OpenApiParameter("offset", int, description="Byte to begin at; negative counts from the end."),
    OpenApiParameter("limit", int, description="Bytes, at most 1 MiB."),
    OpenApiParameter("attempt", int, description="The newest by default."),
    OpenApiParameter("source", str, description="A rank, - for the launcher, = for the runner's remarks."),
    OpenApiParameter("lines", bool, description="Lines taken apart in place of text."),
    OpenApiParameter("plain", bool, description="Text without the time and source before each line."),
    OpenApiParameter("download", bool, description="The whole log as a file."),
]
EVENT_PARAMETERS = [OpenApiParameter("after", int), OpenApiParameter("limit", int)]
METRIC_PARAMETERS = [
    OpenApiParameter("names", str, description="Metrics, separated by commas; all by default."),
    OpenApiParameter("attempt", int),
    OpenApiParameter("after_step", int),
    OpenApiParameter("points", int, description="At most so many points each, up to 5,000."),
    OpenApiParameter("format", str, enum=["json", "plotly"]),
]


def attempt_of(job: Job, parameters: Mapping[str, str]) -> Attempt | None:
    """The attempt that was asked for, or the newest; None before the first. Raises NotFound."""
    wanted = whole(parameters, "attempt", None, 1, 2**31 - 1)
    rows = job.attempts.order_by("-number")
    if wanted is None:
        return rows.first()
    found = rows.filter(number=wanted).first()
    if found is None:
        raise NotFound()
    return found


def logs(job: Job, parameters: Mapping[str, str]) -> dict[str, Any]:
    """A window with `text`: lines as they stand on disk, `<UTC time> <source>[+] <text>`.

    `plain` leaves time and source out; `lines` gives the lines taken apart.
    """
    offset = number(parameters, "offset", 0, -(2**53), 2**53)
    limit = number(parameters, "limit", 65536, 1, LOG_LIMIT)
    source = source_of(parameters)
    as_lines, plain = flag(parameters, "lines"), flag(parameters, "plain")
    attempt = attempt_of(job, parameters)
    window = queries.log_window(attempt, offset, limit, source) if attempt else LogWindow(0, b"", 0, 0)
    answer = {
        "attempt": attempt.number if attempt else None,
        "offset": window.offset,
        "next_offset": window.next_offset,
        "end_offset": window.end_offset,
        "dropped_bytes": window.dropped_bytes,
    }
    if as_lines:
        return {**answer, "lines": lines_of(window)}
    return {**answer, "text": plain_text(window) if plain else readable(window.data)}


def log_file(job: Job, parameters: Mapping[str, str]) -> StreamingHttpResponse:
    """All that is kept of an attempt's log, as a download. Raises NotFound."""
    source, attempt = source_of(parameters), attempt_of(job, parameters)
    if attempt is None:
        raise NotFound()
    response = StreamingHttpResponse(_pieces(attempt, source), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="{attempt.tag}.log"'
    response["X-Content-Type-Options"] = "nosniff"
    return response


def _pieces(attempt: Attempt, source: str | None) -> Iterator[bytes]:
    offset = 0
    while True:
        window = queries.log_window(attempt, offset, LOG_LIMIT, source)
        if window.next_offset <= offset:
            return
        yield window.data
        offset = window.next_offset


def source_of(parameters: Mapping[str, str]) -> str | None:
    """The rank (or `-`, `=`) whose lines are wanted, None for all. Raises Invalid."""
    source = parameters.get("source") or None
    if source is None or source in ("-", "=") or (source.isascii() and source.isdigit() and len(source) < 6):
        return source
    raise bad("source", source)


def lines_of(window: LogWindow) -> list[dict[str, Any]]:
    """Lines with offset, time, source, text, and whether the text goes on in the next one."""
    return [
        {
            "offset": offset,
            "time": line.time,
            "source": line.source,
            "text": readable(line.text),
            "goes_on": line.goes_on,
        }
        for offset, line in window.lines()
    ]


def plain_text(window: LogWindow) -> str:
    """What the program wrote, without our times and sources."""
    return "".join(readable(line.text) + ("" if line.goes_on else "\n") for _offset, line in window.lines())


def readable(text: bytes) -> str:
    """Bytes of a program as text; what is no UTF-8 shows as a replacement character."""
    return text.decode("utf-8", "replace").replace("\x00", "\ufffd")


def events(job: Job, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Events after a seq, and where to read on."""
    after = number(parameters, "after", 0, 0, 2**53)
    limit = number(parameters, "limit", 200, 1, 1000)
    found = [event_json(event) for event in queries.events_after(job, after, limit)]
    return {"results": found, "next_after": found[-1]["seq"] if found else after}


def event_json(event: Any) -> dict[str, Any]:
    """An event with its text in the reader's language."""
    return {
        "seq": event.seq,
        "attempt": event.attempt,
        "kind": event.kind,
        "code": event.code,
        "params": event.params,
        "text": reasons.text(event.code, event.params),
        "at": event.at,
    }


def metrics(job: Job, parameters: Mapping[str, str]) -> dict[str, Any]:
    """Curves, and the names of all metrics there are."""
    curves = curves_asked_for(job, parameters)
    return {"names": queries.metric_names(job), "results": [asdict(curve) for curve in curves]}


def metric_figures(job: Job, parameters: Mapping[str, str]) -> dict[str, Any]:
    """The same curves as the Plotly figures that the job page draws, one for each kind."""
    from jobs.figures import Span, grouped, run_figure  # plotly: 40 MB that lists do not need

    span = Span(job.running_at or job.created_at, job.ended_at)
    marks = list(job.checkpoints.order_by("saved_at")[:200])
    return {
        "results": [
            {"id": kind.id, "title": str(kind.title), "figure": run_figure(kind, members, marks, span)}
            for kind, members in grouped(curves_asked_for(job, parameters))
        ]
    }


def curves_asked_for(job: Job, parameters: Mapping[str, str]) -> list[queries.Curve]:
    """Curves as the parameters narrow them. Raises Invalid."""
    names = [name for name in parameters.get("names", "").split(",") if name] or None
    return queries.curves_of(
        job,
        names,
        attempt=whole(parameters, "attempt", None, 1, 2**31 - 1),
        after_step=whole(parameters, "after_step", None, 0, 2**53),
        max_points=number(parameters, "points", 2000, 4, 5000),
    )


def artifacts(job: Job) -> dict[str, Any]:
    """Artifacts and checkpoints, newest attempt first."""
    files = job.artifacts.select_related("attempt").order_by("-attempt__number", "path")[:1000]
    checkpoints = job.checkpoints.select_related("attempt").order_by("-saved_at")[:1000]
    return {
        "results": [
            {
                "path": row.path,
                "attempt": row.attempt.number,
                "size_bytes": row.size_bytes,
                "modified_at": row.modified_at,
            }
            for row in files
        ],
        "checkpoints": [
            {
                "step": row.step,
                "path": row.path,
                "attempt": row.attempt.number,
                "size_bytes": row.size_bytes,
                "is_best": row.is_best,
                "saved_at": row.saved_at,
            }
            for row in checkpoints
        ],
    }


def artifact_file(job: Job, parameters: Mapping[str, str]) -> FileResponse:
    """The file below the artifacts folder, opened without following symlinks. Raises NotFound."""
    attempt, path = attempt_of(job, parameters), parameters.get("path", "")
    if attempt is None or not path or "\\" in path or not path.isprintable():
        raise NotFound()
    try:
        descriptor = paths.open_file_below(Path(attempt.run_dir) / "work" / "artifacts", path)
    except (OSError, ValueError):
        raise NotFound() from None
    response = FileResponse(
        os.fdopen(descriptor, "rb"),
        as_attachment=True,
        filename=path.rsplit("/", 1)[-1],
        content_type="application/octet-stream",
    )
    response["X-Content-Type-Options"] = "nosniff"
    return response


def board_json(now: Board) -> dict[str, Any]:
    """The board of free GPUs."""
    return asdict(now)


def flag(parameters: Mapping[str, str], name: str) -> bool:
    """A yes or no. Raises Invalid."""
    text = parameters.get(name, "false")
    if text not in ("true", "false", "1", "0"):
        raise bad(name, text)
    return text in ("true", "1")
