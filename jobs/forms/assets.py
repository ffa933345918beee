"""Forms of what jobs are made from. They carry text; `jobs.actions` decides what is right."""

from typing import Any

from django import forms
from django.utils.translation import gettext_lazy as _

from dcportal.common.actors import Actor
from jobs.forms.choices import team_options


class TeamForm(forms.Form):
    """A form with a team to choose among the actor's."""

    def __init__(self, *args: Any, actor: Actor, **rest: Any) -> None:
        rest.setdefault("auto_id", "id_%s")
        super().__init__(*args, **rest)
        options = team_options(actor)
        if actor.has_role("operator") and self.may_be_for_site:
            options = [("-", str(_("The whole site"))), *options]
        self.fields["team"].widget.choices = options  # type: ignore[attr-defined]

    may_be_for_site = False


def team_field() -> forms.CharField:
    return forms.CharField(label=_("Team"), required=False, widget=forms.Select())


class EnvironmentForm(TeamForm):
    name = forms.CharField(label=_("Name"), max_length=64)
    interpreter = forms.CharField(
        label=_("Python interpreter"),
        help_text=_("The python of a venv or conda environment, or the environment's folder."),
    )
    description = forms.CharField(label=_("Description"), required=False, max_length=300)
    team = team_field()
    may_be_for_site = True


class DatasetForm(TeamForm):
    name = forms.CharField(label=_("Name"), max_length=120)
    path = forms.CharField(label=_("Path on the server"))
    description = forms.CharField(label=_("Description"), required=False, max_length=1000)
    team = team_field()
    readers = forms.CharField(
        label=_("Reader teams"), required=False, help_text=_("Names of other teams, separated by commas.")
    )


class SecretForm(TeamForm):
    name = forms.CharField(
        label=_("Name"), help_text=_("A variable name, such as WANDB_API_KEY."), max_length=120
    )
    value = forms.CharField(
        label=_("Value"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
        help_text=_("Kept encrypted; nobody can read it back."),
    )
    description = forms.CharField(label=_("Description"), required=False, max_length=300)
    team = team_field()


class QueueForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=64)
    description = forms.CharField(label=_("Description"), required=False, max_length=300)
    weight = forms.IntegerField(
        label=_("Weight"),
        initial=0,
        help_text=_("A higher one is considered first, whatever the priorities."),
    )
