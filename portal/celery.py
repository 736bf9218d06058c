"""The Celery app. Messages are doorbells: what is due stands in the database, never in a message."""

import os
from typing import Any

from celery import Celery
from celery.signals import worker_init
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "portal.settings")

app = Celery("portal")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()
app.autodiscover_tasks(["portal"], related_name="exporting")


@worker_init.connect
def stand(**_: Any) -> None:
    """No worker behind a wall that does not hold."""
    from accounts.isolation import guard  # the settings are not there before

    try:
        guard.stand()
    except ImproperlyConfigured as refusal:
        raise SystemExit(f"Cairn does not start: {refusal}") from refusal  # Celery swallows anything less
