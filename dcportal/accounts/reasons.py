"""Texts of the codes that actions on people, teams and secrets answer with."""

from django.utils.translation import gettext_lazy as _

from dcportal.accounts.models import Role
from dcportal.common.reasons import of_choices

TEXTS = {
    "already_member": _("{name} is in this team already."),
    "in_the_past": _("This time has passed."),
    "last_admin": _("This is the last active administrator; make another one first."),
    "link_unusable": _("This link was used already or is too old. Ask for a new one."),
    "needs_team_role": _("This needs the role {role} in the team {team}."),
    "not_a_unix_account": _(
        "Use lower-case letters, digits, _ and -, beginning with a letter or _; at most 32."
    ),
    "not_a_username": _("Use letters, digits and . _ @ + -, beginning with a letter or digit; at most 64."),
    "passwords_differ": _("The two passwords differ."),
    "stronger_than_yours": _("A token cannot be stronger than the one who makes it."),
    "user_inactive": _("{name} is deactivated."),
    "weak_password": _("This password is too easy to guess."),
    "wrong_password": _("This is not your present password."),
    **of_choices("needs_role", Role.choices),
    **of_choices("needs_team_role", Role.choices),
}
