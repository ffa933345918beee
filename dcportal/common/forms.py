"""Forms that leave judging to the action: what it refuses comes back beside the field."""

from collections.abc import Callable
from typing import Any, TypeVar

from django import forms
from django.db import models

from dcportal.common import reasons
from dcportal.common.problems import Conflict, Invalid, sentence

ResultT = TypeVar("ResultT")


class ActionForm(forms.Form):
    """A form whose values go to one action."""

    def values(self) -> dict[str, Any]:
        """What the action gets."""
        return dict(self.cleaned_data)

    def add_problems(self, refusal: Invalid) -> None:
        """Show each problem at its field, or above the form when it belongs to none."""
        for problem in refusal.problems:
            name = problem.pointer.strip("/").split("/")[0]
            self.add_error(name if name in self.fields else None, sentence(problem))


class RecordForm(ActionForm, forms.ModelForm):
    """The columns of a row as fields. `revision` makes a lost update visible instead of silent."""

    revision = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            self.fields["revision"].initial = self.instance.revision
        else:
            del self.fields["revision"]
        for name, field in self.fields.items():
            # A select by uid needs the row itself; Django's own initial value would be its key.
            if isinstance(field, forms.ModelChoiceField) and self.instance.pk:
                self.initial[name] = getattr(self.instance, name)

    def _post_clean(self) -> None:
        """The model's rules are checked by the action; the instance stays as it was read."""

    def values(self) -> dict[str, Any]:
        return {name: value for name, value in self.cleaned_data.items() if name != "revision"}

    @property
    def expected_revision(self) -> int | None:
        return self.cleaned_data.get("revision")


def attempted(form: ActionForm, action: Callable[[], ResultT]) -> ResultT | None:
    """The action's result; None when the form is wrong or the action refused, which the form then shows."""
    if not form.is_valid():
        return None
    try:
        return action()
    except Invalid as refusal:
        form.add_problems(refusal)
    except Conflict as refusal:
        form.add_error(None, reasons.text(refusal.code, refusal.params))
    return None


def choice_of(queryset: models.QuerySet[Any], **options: Any) -> forms.ModelChoiceField:
    """A select of rows, by uid in the page's source."""
    return forms.ModelChoiceField(queryset, to_field_name="uid", **options)
