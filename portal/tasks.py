"""The clock's hand on the night: doorbells without payload; the work is found in the database."""

from celery import shared_task
from django.utils import timezone

from accounts.isolation import EVERYONE, acting_for
from portal import nightly

MOST_RINGS = 64  # workers called to one run


def ring(others: int) -> None:
    """Call so many more workers; whoever does not come is not missed."""
    for _ in range(min(others, MOST_RINGS)):
        help_out.delay()


@shared_task
@acting_for(EVERYONE)
def night() -> None:
    """Every night that is due, up to yesterday."""
    nightly.catch_up(timezone.now().date(), ring=ring)


@shared_task
@acting_for(EVERYONE)
def help_out() -> None:
    """Chunks of the run that is open now."""
    nightly.lend_a_hand()


@shared_task
@acting_for(EVERYONE)
def sweep() -> None:
    """What a killed worker or a lost message left undone."""
    nightly.sweep()


@shared_task
@acting_for(EVERYONE)
def again() -> None:
    """What is due, and the newest night once more if it could not be published: an operator asks for it."""
    nightly.again(timezone.now().date(), ring=ring)
