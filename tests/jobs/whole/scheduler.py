"""`run_scheduler` on the database of a running test, whose name comes in DCP_TEST_DATABASE."""

import os

import django
from django.conf import settings
from django.core.management import call_command

if __name__ == "__main__":
    settings.DATABASES["default"]["NAME"] = os.environ["DCP_TEST_DATABASE"]
    django.setup()
    call_command("run_scheduler")
