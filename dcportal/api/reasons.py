"""Texts of the codes that any part of the portal may answer with."""

from django.utils.translation import gettext_lazy as _

TEXTS = {
    "invalid": _("Some fields need a correction."),
    "not_found": _("There is nothing by that name, or it is not yours to see."),
    "forbidden": _("Your role does not allow this."),
    "needs_role": _("This needs the role {role}."),
    "needs_scope": _("This token was not given the scope {scope}."),
    "changed_meanwhile": _("Someone changed this meanwhile. Load it again and repeat your change."),
    "database_busy": _("The database cannot write at the moment. Nothing was changed; try again."),
    "required": _("Fill this in."),
    "unknown_field": _("There is no field {name}."),
    "unknown_parameter": _("There is no parameter {name}."),
    "unstorable_text": _("The text holds a NUL character or half of a surrogate pair."),
    "invalid_value": _("This value is not valid."),
    "unknown_choice": _("{value} is not among the choices."),
    "not_unique": _("Another one already has this."),
    "in_use": _("Still used by: {users}."),
    "bad_parameter": _("{value} is not a valid value for {name}."),
    "bad_request": _("The request cannot be read."),
    "suspicious_request": _("The request was refused: its host, form or cookie is not what it should be."),
    "no_such_route": _("There is no {path} in this API."),
    "server_error": _("Something went wrong on our side. It is in the log under {request_id}."),
    "body_too_large_for_page": _("This form is larger than the portal accepts."),
    "body_too_large": _("The request is larger than {limit_bytes} bytes."),
    "csrf": _("This page is too old to be sent. Load it again and repeat."),
}
