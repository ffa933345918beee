"""`manage.py create_admin NAME`: an administrator who gets in by a one-time link; no default password."""

from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from dcportal import env
from dcportal.accounts.actions import add_member, create_team, create_user, edit_user, issue_sign_in_link
from dcportal.accounts.models import Team, User
from dcportal.common.actors import Actor, system_actor
from dcportal.common.clock import utcnow
from dcportal.common.commands import words_of
from dcportal.common.problems import Refusal

FIRST_TEAM = "Operations"


class Command(BaseCommand):
    help = "Make a person an administrator (creating the person when new) and print a one-time sign-in link."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username", nargs="?", default="admin")
        parser.add_argument("--email", default="")
        parser.add_argument("--link", action="store_true", help="print the link only")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utcnow()
        actor = system_actor("create_admin")
        try:
            user = _administrator(actor, options["username"], options["email"], now)
            secret = issue_sign_in_link(user, actor, now)
        except Refusal as refusal:
            raise CommandError(words_of(refusal)) from refusal
        self.stdout.write(f"{base_url()}/link/{secret}/")
        if not options["link"]:
            self.stderr.write(f"Opens once, within 24 hours, as {user.username}.")


def base_url() -> str:
    """Where people reach the portal: DCP_PUBLIC_URL, or the address it listens on."""
    if settings.PUBLIC_URL:
        return str(settings.PUBLIC_URL)
    host, port = env.bind()
    return f"http://{'localhost' if host in {'0.0.0.0', '::'} else host}:{port}"


def _administrator(actor: Actor, username: str, email: str, now: datetime) -> User:
    user = User.objects.filter(username__iexact=username).first()
    if user is None:
        values = {"username": username, "email": email, "role": "admin"}
        user = create_user(actor, values, now)
    elif user.role != "admin":
        edit_user(actor, user, {"role": "admin"}, now)
    if not Team.objects.exists():
        add_member(actor, create_team(actor, {"name": FIRST_TEAM}, now), user, "admin", now)
    return user
