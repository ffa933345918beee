"""Every change of people, teams and secrets, one function each."""

from dcportal.accounts.actions.links import issue_sign_in_link, redeem_sign_in_link
from dcportal.accounts.actions.sessions import note_failed_sign_in, note_sign_in, note_sign_out
from dcportal.accounts.actions.teams import (
    add_member,
    change_member,
    create_team,
    delete_team,
    edit_team,
    remove_member,
)
from dcportal.accounts.actions.tokens import create_token, revoke_token
from dcportal.accounts.actions.users import (
    create_user,
    deactivate_user,
    edit_profile,
    edit_user,
    end_sessions,
    reactivate_user,
    set_password,
)

__all__ = [
    "add_member",
    "change_member",
    "create_team",
    "create_token",
    "create_user",
    "deactivate_user",
    "delete_team",
    "edit_profile",
    "edit_team",
    "edit_user",
    "end_sessions",
    "issue_sign_in_link",
    "note_failed_sign_in",
    "note_sign_in",
    "note_sign_out",
    "reactivate_user",
    "redeem_sign_in_link",
    "remove_member",
    "revoke_token",
    "set_password",
]
