"""How management commands speak of refusals."""

from dcportal.common import reasons
from dcportal.common.problems import Invalid, Refusal, sentence


def words_of(refusal: Refusal) -> str:
    """The refusal on one line, each field named."""
    if isinstance(refusal, Invalid):
        return "; ".join(f"{each.pointer[1:]}: {sentence(each)}" for each in refusal.problems)
    return reasons.text(refusal.code, refusal.params)
