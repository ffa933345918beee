"""What can go wrong for a caller, as exceptions that edges turn into a page, problem+json or exit code."""

from collections.abc import Iterable

from django.utils.translation import gettext

from dcportal.common import reasons
from trainer.spec import problems as spec_problems
from trainer.spec.problems import Problem

__all__ = ["Conflict", "Forbidden", "Invalid", "NotFound", "Problem", "Refusal", "invalid", "sentence"]


class Refusal(Exception):
    """A request that cannot be carried out; `code` and `params` say why (see `common.reasons`)."""

    status = 400

    def __init__(self, code: str, **params: object) -> None:
        super().__init__(code)
        self.code = code
        self.params = params


class Invalid(Refusal):
    """The request has wrong fields; each problem points to one."""

    status = 422

    def __init__(self, problems: Iterable[Problem]) -> None:
        super().__init__("invalid")
        self.problems = list(problems)


class Forbidden(Refusal):
    """The actor sees the object but lacks the role or scope for this."""

    status = 403


class NotFound(Refusal):
    """Nothing by that name that the actor may see: missing and foreign answer alike."""

    status = 404

    def __init__(self, code: str = "not_found", **params: object) -> None:
        super().__init__(code, **params)


class Conflict(Refusal):
    """The object's present state forbids this, or someone changed it meanwhile."""

    status = 409


def invalid(pointer: str, code: str, **params: object) -> Invalid:
    """An `Invalid` with a single problem."""
    return Invalid([Problem(pointer, code, dict(params))])


def sentence(problem: Problem) -> str:
    """The problem in the reader's language, be its code the portal's or the job spec's."""
    if "message" in problem.params:
        return str(problem.params["message"])
    if not reasons.is_known(problem.code) and problem.code in spec_problems.CODES:
        return spec_problems.text(problem, gettext)
    return reasons.text(problem.code, problem.params)
