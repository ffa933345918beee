"""ETag on every answer, If-None-Match on reads, If-Match on writes."""

import hashlib
import re
from typing import Any, cast

from django.utils.cache import get_conditional_response
from rest_framework.exceptions import APIException
from rest_framework.request import Request
from rest_framework.response import Response

from dcportal.common.base import Record

ETAG = re.compile(r'(?:W/)?"(\d{1,18})(?:-[0-9a-f]+)?"')


class PreconditionFailed(APIException):
    """The row has another revision than If-Match names."""

    status_code = 412
    default_code = "changed_meanwhile"


def expected_revision(request: Request, row: Record) -> int | None:
    """The revision that the caller read, from If-Match; None when it did not say or said `*`.

    Raises PreconditionFailed when the row has moved on.
    """
    header = request.headers.get("If-Match", "").strip()
    if header in {"", "*"}:
        return None
    revisions = {int(revision) for revision in ETAG.findall(header)}
    if row.revision not in revisions:
        raise PreconditionFailed()
    return row.revision


def tagged(request: Request, response: Response, row: Any) -> Response:
    """`response` with its ETag, or 304 when the caller has that already.

    The tag is a hash of the body, led by the row's revision for If-Match: liveness and counts may
    change without a new revision.
    """
    response.render()
    digest = hashlib.blake2s(response.content, digest_size=8).hexdigest()
    revision = getattr(row, "revision", 0)
    etag = f'"{revision}-{digest}"'
    response["ETag"] = etag
    if request.method not in {"GET", "HEAD"}:
        return response
    conditional = get_conditional_response(request._request, etag=etag, response=response)
    return cast(Response, conditional or response)
