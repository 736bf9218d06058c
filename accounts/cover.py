"""Somebody looks after the organizations of an absent success manager, from one instant to another.

What cover opens is decided at the door (accounts.access); here it is arranged, ended and listed.
"""

from datetime import date, datetime, timedelta

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.utils import timezone

from accounts import audit
from accounts.access import ADMIN, LEAD, covers_in_force
from accounts.models import Action, Cover, Membership, Organization, Role, User

LONGEST = timedelta(days=366)  # longer is no absence: hand the organizations over


class CoverRefused(ValueError):
    """A cover that cannot be; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


def absences_of(by: User) -> QuerySet[User]:
    """Whose absence this person may arrange cover for: an administrator every success manager's, a lead the
    team's, everyone their own."""
    manages = Exists(_managed().filter(user=OuterRef("pk")))
    everyone = User.objects.filter(manages, is_staff=True, is_active=True).order_by("name", "email")
    return everyone.filter(_arranged_by(by, "pk", "team"))


def stand_ins() -> QuerySet[User]:
    """Who may cover: everybody who works for the vendor."""
    return User.objects.filter(is_staff=True, is_active=True).order_by("name", "email")


def arranged(by: User, *, at: datetime | None = None) -> QuerySet[Cover]:
    """The covers, running and to come, that this person may end."""
    now = at or timezone.now()
    coming = Cover.objects.filter(ends_at__gt=now).select_related("absent", "covering", "arranged_by")
    return coming.filter(_arranged_by(by, "absent", "absent__team"))


def away(user: User, *, at: datetime | None = None) -> list[Cover]:
    """Who stands in for this person, now and to come."""
    now = at or timezone.now()
    return list(Cover.objects.filter(absent=user, ends_at__gt=now).select_related("covering"))


def covering(user: User, *, at: datetime | None = None) -> list[Cover]:
    """For whom this person stands in now."""
    return list(covers_in_force(at).filter(covering=user).select_related("absent"))


def last_day(cover: Cover) -> date:
    """The last day on which it holds, as whoever reads counts days."""
    return timezone.localtime(cover.ends_at - timedelta(microseconds=1)).date()


@transaction.atomic
def arrange(
    absent: User,
    standing_in: User,
    *,
    starts_at: datetime,
    ends_at: datetime,
    by: User,
    at: datetime | None = None,
) -> Cover:
    """The cover, in force from its start on without another word.

    raises  CoverRefused naming the field
    """
    now = at or timezone.now()
    starts_at = max(starts_at, now)
    User.objects.select_for_update().get(pk=absent.pk)  # two covers at one time cannot come at once
    if not absences_of(by).filter(pk=absent.pk).exists():
        raise CoverRefused("absent", f"{absent} is not among the success managers you arrange cover for.")
    if standing_in.pk == absent.pk:
        raise CoverRefused("covering", f"{absent} cannot cover for themselves; choose somebody else.")
    if not standing_in.is_staff or not standing_in.is_active:
        raise CoverRefused("covering", f"{standing_in} does not work here now; choose somebody who does.")
    if ends_at <= starts_at:
        raise CoverRefused("until", "Cover ends after it begins, and not in the past.")
    if ends_at - starts_at > LONGEST:
        raise CoverRefused(
            "until", f"Cover lasts {LONGEST.days} days at most; for longer, hand the organizations over."
        )
    meanwhile = Cover.objects.filter(starts_at__lt=ends_at, ends_at__gt=starts_at)
    if other := meanwhile.filter(absent=absent).select_related("covering").first():
        raise CoverRefused(
            "since", f"{other.covering} covers for {absent} until {last_day(other)} already; end that first."
        )
    if away := meanwhile.filter(absent=standing_in).first():
        raise CoverRefused("covering", f"{standing_in} is away until {last_day(away)}; choose somebody else.")
    made = Cover.objects.create(
        absent=absent, covering=standing_in, starts_at=starts_at, ends_at=ends_at, arranged_by=by
    )
    _write(made, by, after=_terms(made))
    return made


@transaction.atomic
def end(cover: Cover, *, by: User, at: datetime | None = None) -> None:
    """The cover has ended now; one that had not begun never was.

    raises  CoverRefused if it has ended already, or is not theirs to end
    """
    now = at or timezone.now()
    cover = (
        Cover.objects.select_for_update(of=("self",)).select_related("absent", "covering").get(pk=cover.pk)
    )
    if not arranged(by, at=now).filter(pk=cover.pk).exists():
        raise CoverRefused("cover", f"The cover of {cover.covering} for {cover.absent} has ended already.")
    before = _terms(cover)
    if cover.starts_at >= now:
        _write(cover, by, before=before, after={"absent": cover.absent_id, "until": "never"})
        cover.delete()
        return
    cover.ends_at = now
    cover.save(update_fields=["ends_at"])
    _write(cover, by, before=before, after=_terms(cover))


def _arranged_by(by: User, person: str, team: str) -> Q:
    if by.is_admin:
        return Q()
    if by.is_lead:
        return Q(**{person: by.pk}) | Q(**{team: by.team_id})
    return Q(**{person: by.pk})


def _terms(cover: Cover) -> dict[str, object]:
    """A cover as the audit log keeps it."""
    return {
        "absent": cover.absent_id,
        "from": f"{cover.starts_at:%Y-%m-%d %H:%M}",
        "until": f"{cover.ends_at:%Y-%m-%d %H:%M}",
    }


def _managed() -> QuerySet[Membership]:
    return Membership.objects.filter(Q(ends_at=None) | Q(ends_at__gt=timezone.now()), role=Role.CSM)


def _write(
    cover: Cover, by: User, *, before: dict[str, object] | None = None, after: dict[str, object]
) -> None:
    """A line for the house and one for each organization: its contact reads who may look, and until when."""
    hat = ADMIN if by.is_admin else LEAD if by.is_lead else str(Role.CSM)
    audit.record(Action.COVERED, by=by, hat=hat, target=cover.covering, before=before, after=after)
    theirs = Organization.objects.filter(pk__in=_managed().filter(user=cover.absent).values("organization"))
    lines = [(organization, cover.covering, after) for organization in theirs]
    audit.record_all(Action.COVERED, lines, by=by, hat=hat)
