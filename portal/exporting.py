"""The worker's hand on exports: makes the files that people asked for."""

from celery import shared_task

from accounts.isolation import EVERYONE, acting_for
from portal.pages.exporting import ORDERS
from portal.reports import jobs
from portal.reports.bell import TASK


@shared_task(name=TASK)
@acting_for(EVERYONE)
def make_exports() -> None:
    """Everything that waits; each behind the door of whoever asked."""
    jobs.work(ORDERS)
