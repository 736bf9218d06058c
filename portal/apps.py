"""The app `portal`. After every migration it also makes the table of the cache."""

from typing import Any

from django.apps import AppConfig, apps
from django.core.management import call_command
from django.db.models.signals import post_migrate


def make_cache_table(using: str, **_: Any) -> None:
    """The table behind CACHES, if it is not there yet: one command, `migrate`, makes the whole database."""
    call_command("createcachetable", database=using, verbosity=0)


class PortalConfig(AppConfig):
    name = "portal"

    def ready(self) -> None:
        # Of one app alone: once a `migrate`, whichever apps it is about to change.
        post_migrate.connect(make_cache_table, sender=apps.get_app_config("accounts"))
