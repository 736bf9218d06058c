"""What ends every session of a person at once: a number on the person that each session carries a copy of."""

from django.db.models import F, QuerySet

from accounts.models import User


def end_sessions(user: User) -> None:
    """From the next request on, nobody who signed in as this person before is signed in any more."""
    end_sessions_of(User.objects.filter(pk=user.pk))
    user.refresh_from_db(fields=["auth_epoch"])


def end_sessions_of(users: QuerySet[User]) -> None:
    """The same for many people at once."""
    users.update(auth_epoch=F("auth_epoch") + 1)
