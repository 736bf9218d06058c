"""Django's handle on the app of facts. After every migration it also makes what the database must refuse."""

from django.apps import AppConfig
from django.contrib.auth.signals import user_logged_in
from django.core import checks
from django.db.backends.signals import connection_created
from django.db.models.signals import post_migrate, pre_migrate


class AccountsConfig(AppConfig):
    name = "accounts"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from allauth.account.signals import authentication_step_completed

        from accounts import overlap, retirement, sessions, triggers
        from accounts.isolation import (
            guard,
            links,
            policies,
            scopes,
            wall,
        )  # guard registers its check itself

        # The triggers last: they take from the runtime roles what policies gave of the audit log.
        for makes in (policies, links, overlap, retirement, triggers):
            post_migrate.connect(makes.build, sender=self)
        pre_migrate.connect(links.take_down, sender=self)
        connection_created.connect(scopes.carry)
        user_logged_in.connect(wall.signed_in)
        checks.register(guard.wall_stands, checks.Tags.database, deploy=True)
        user_logged_in.connect(sessions.on_login)
        authentication_step_completed.connect(sessions.on_step)
