"""`manage.py create_node_token NAME`: the secret that a node's agent starts with, printed once."""

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from dcportal.common.actors import system_actor
from dcportal.common.clock import utcnow
from dcportal.common.commands import words_of
from dcportal.common.problems import Refusal
from dcportal.inventory.actions import create_node_token
from dcportal.inventory.models import Node


class Command(BaseCommand):
    help = "Make a node token; the secret is printed once and kept nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="what the token is for, such as the node's name")
        parser.add_argument("--accept", action="store_true", help="accept its node without a person's click")
        parser.add_argument("--simulate", action="store_true", help="for a simulated fleet")
        parser.add_argument("--node", action="append", default=[], help="name of a node it may write")

    def handle(self, *args: Any, **options: Any) -> None:
        values = {
            "name": options["name"],
            "accepts_at_once": options["accept"],
            "may_simulate": options["simulate"],
        }
        nodes = list(Node.objects.filter(name__in=options["node"]))
        if len(nodes) != len(set(options["node"])):
            raise CommandError("There is no node of that name.")
        try:
            _token, secret = create_node_token(system_actor("create_node_token"), values, utcnow(), nodes)
        except Refusal as refusal:
            raise CommandError(words_of(refusal)) from refusal
        self.stdout.write(secret)
