#!/usr/bin/env python
"""The usual door for commands: says for whom they act, and nothing else of our own."""

import os
import sys

from django.core.exceptions import ImproperlyConfigured
from django.core.management import execute_from_command_line

from accounts.isolation import EVERYONE, NOBODY, acting_for

# A command works for the whole house. These do not: whoever types there says for whom, or asks as a person.
ON_THEIR_OWN = {"shell", "runserver"}

if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")
    try:
        with acting_for(NOBODY if ON_THEIR_OWN.intersection(sys.argv[1:2]) else EVERYONE):
            execute_from_command_line(sys.argv)
    except ImproperlyConfigured as refusal:
        sys.exit(f"Cairn does not start: {refusal}")
