"""Rings for a worker to make what waits. Nobody may come: the clock looks every minute anyway."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)

TASK = "portal.exporting.make_exports"


def ring() -> None:
    """Once what was asked for is in the database."""
    transaction.on_commit(_ring)


def _ring() -> None:
    try:
        current_app.send_task(TASK, retry=False)
    except (OperationalError, OSError):
        log.warning("The broker does not answer; the export waits for the clock", exc_info=True)
