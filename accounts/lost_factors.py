"""A lost second factor: an administrator asks to take it away, and for a day the person can say no.

Nobody does this to themselves, and the person is told at every address. It takes effect at the first sign-in
after the day, by the clock: no night has to run for it.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts import audit
from accounts.access import ADMIN
from accounts.epochs import end_sessions
from accounts.factors import factors, take_away
from accounts.letters import moment, tell
from accounts.models import Action, FactorReset, User

DELAY = timedelta(hours=24)


class ResetRefused(Exception):
    """A reset that cannot be asked for, or is not there to be cancelled."""


def person(pk: int) -> User | None:
    """Whoever's factor it is about; the pages of administrators alone ask."""
    return User.objects.filter(pk=pk).first()


def waiting(user: User) -> FactorReset | None:
    """The reset that the person can still cancel, or that is about to be carried out."""
    return user.factor_resets.filter(ended_at=None).select_related("asked_by").first()


@transaction.atomic
def ask(user: User, *, by: User, at: datetime | None = None) -> FactorReset:
    """The reset that takes effect in a day; raise ResetRefused for oneself, without a factor, and twice."""
    if user.pk == by.pk:
        raise ResetRefused("Another administrator has to do this for you.")
    User.objects.select_for_update().get(pk=user.pk)
    if not factors(user):
        raise ResetRefused(f"{user} has no second factor.")
    if waiting(user):
        raise ResetRefused(f"A reset for {user} waits already.")
    now = at or timezone.now()
    made = FactorReset.objects.create(user=user, asked_by=by, asked_at=now, due_at=now + DELAY)
    _write_down(user, by, "asked")
    tell(user, "factor_reset_asked", at=now, by=str(by), due=moment(made.due_at))
    return made


@transaction.atomic
def cancel(user: User, *, by: User, at: datetime | None = None) -> None:
    """The person keeps their factors; raise ResetRefused when nothing waits."""
    reset = FactorReset.objects.select_for_update().filter(user=user, ended_at=None).first()
    if reset is None:
        raise ResetRefused("No reset waits any more.")
    reset.ended_at, reset.was_cancelled = at or timezone.now(), True
    reset.save(update_fields=["ended_at", "was_cancelled"])
    _write_down(user, by, "cancelled")
    tell(user, "factor_reset_cancelled", at=at, by=str(by))


@transaction.atomic
def carry_out(user: User, *, at: datetime | None = None) -> bool:
    """Whether a reset was due: then the person has no factor any more, and every session of theirs ends."""
    now = at or timezone.now()
    reset = FactorReset.objects.select_for_update().filter(user=user, ended_at=None, due_at__lte=now).first()
    if reset is None:
        return False
    reset.ended_at = now
    reset.save(update_fields=["ended_at"])
    take_away(user, factors(user), by=reset.asked_by, reason="Lost; the day to say no is over.")
    end_sessions(user)
    tell(user, "factor_reset_done", at=now)
    return True


def _write_down(user: User, by: User, what: str) -> None:
    hat = ADMIN if by.is_admin and by.pk != user.pk else ""
    audit.record(Action.PERSON_CHANGED, by=by, hat=hat, target=user, after={"lost_factor_reset": what})
