"""`manage.py create_token USER`: an API token, printed once."""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dcportal.accounts.actions import create_token
from dcportal.accounts.models import ROLE_ORDER, SCOPES, User
from dcportal.common.actors import system_actor
from dcportal.common.clock import utcnow
from dcportal.common.commands import words_of
from dcportal.common.problems import Refusal


class Command(BaseCommand):
    help = "Make an API token for a person; the secret is printed once and kept nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("username")
        parser.add_argument("--name", default="command line")
        parser.add_argument("--role", choices=ROLE_ORDER, help="default: the person's role")
        parser.add_argument("--scopes", default="read,jobs", help=f"comma-separated, of {', '.join(SCOPES)}")
        parser.add_argument("--expires", type=float, default=90, metavar="DAYS", help="0 for never")

    def handle(self, *args: Any, **options: Any) -> None:
        now = utcnow()
        user = User.objects.filter(username=options["username"]).first()
        if user is None:
            raise CommandError(f"There is no user {options['username']!r}.")
        values = {
            "name": options["name"],
            "role": options["role"] or user.role,
            "scopes": [scope.strip() for scope in options["scopes"].split(",") if scope.strip()],
            "expires_at": now + timedelta(days=options["expires"]) if options["expires"] else None,
        }
        try:
            _token, secret = create_token(system_actor("create_token"), user, values, now)
        except Refusal as refusal:
            raise CommandError(words_of(refusal)) from refusal
        self.stdout.write(secret)
