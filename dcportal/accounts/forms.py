"""Forms of people, teams and tokens."""

from datetime import timedelta
from typing import Any

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from dcportal.accounts.models import ApiToken, Role, Scope, Team, Theme, User
from dcportal.common.clock import utcnow
from dcportal.common.forms import ActionForm, RecordForm, choice_of
from dcportal.common.problems import Problem, sentence
from dcportal.common.zones import zone_names


def _zones() -> list[tuple[str, str]]:
    return [(name, name) for name in sorted(zone_names())]


class UserForm(RecordForm):
    """What an administrator says of a person."""

    class Meta:
        model = User
        fields = ["username", "full_name", "email", "role", "unix_account"]
        help_texts = {
            "role": _("Viewers look, users launch jobs, operators run the site, administrators do all."),
            "unix_account": _("The account that jobs run under on a cluster."),
        }

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        if self.instance.pk:
            del self.fields["username"]


class ProfileForm(RecordForm):
    """How the portal looks and speaks to the person."""

    language = forms.ChoiceField(
        label=_("Language"), choices=[("", _("As the browser")), *settings.LANGUAGES], required=False
    )
    timezone = forms.ChoiceField(label=_("Time zone"), choices=_zones)
    theme = forms.ChoiceField(label=_("Theme"), choices=Theme.choices, widget=forms.RadioSelect)

    class Meta:
        model = User
        fields = ["full_name", "email", "language", "timezone", "theme"]


class PasswordForm(ActionForm):
    """A new password, twice; the present one unless the person has none yet."""

    current = forms.CharField(
        label=_("Present password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )
    password = forms.CharField(
        label=_("New password"),
        strip=False,
        help_text=_("At least 12 characters; a sentence is better than a riddle."),
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )
    again = forms.CharField(
        label=_("New password, again"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        if not user.has_usable_password():
            del self.fields["current"]

    def clean(self) -> dict[str, Any]:
        given = super().clean() or {}
        if given.get("password") and given.get("password") != given.get("again"):
            self.add_error("again", sentence(Problem("/again", "passwords_differ")))
        return given


class TeamForm(RecordForm):
    class Meta:
        model = Team
        fields = ["name", "description"]


class MemberForm(ActionForm):
    """Who joins the team, and as what."""

    user = choice_of(User.objects.none(), label=_("Person"))
    role = forms.ChoiceField(label=_("Role in the team"), choices=Role.choices, initial=Role.USER)

    def __init__(self, *args: Any, team: Team, people: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["user"].queryset = people.exclude(memberships__team=team)  # type: ignore[attr-defined]


class TokenForm(RecordForm):
    """A new token for oneself."""

    DAYS = [("7", _("7 days")), ("30", _("30 days")), ("90", _("90 days")), ("365", _("1 year"))]

    scopes = forms.MultipleChoiceField(
        label=_("May be used to"),
        choices=Scope.choices,
        widget=forms.CheckboxSelectMultiple,
        initial=[Scope.READ, Scope.JOBS],
    )
    days = forms.ChoiceField(label=_("Ends after"), choices=[*DAYS, ("", _("never"))], required=False)

    class Meta:
        model = ApiToken
        fields = ["name", "role", "scopes"]
        help_texts = {
            "name": _("What it is for, such as a laptop or a pipeline."),
            "role": _("Never stronger than your own."),
        }

    def __init__(self, *args: Any, user: User, **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["role"].initial = user.role
        self.fields["days"].initial = "90"

    def values(self) -> dict[str, Any]:
        values = super().values()
        days = values.pop("days")
        return values | {"expires_at": utcnow() + timedelta(days=int(days)) if days else None}
