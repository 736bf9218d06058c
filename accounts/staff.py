"""Those who work for the vendor: added, given roles and a team, deactivated; and the teams themselves."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.account.forms import default_token_generator
from allauth.account.models import EmailAddress
from allauth.account.utils import user_pk_to_url_str
from django.conf import settings
from django.core.mail import send_mail
from django.db import transaction
from django.db.models import CharField, Count, Exists, F, OuterRef, Prefetch, Q, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce, Greatest, Lower, NullIf
from django.template.loader import render_to_string
from django.utils import timezone

from accounts import audit, cover, installation
from accounts.access import ADMIN
from accounts.epochs import end_sessions
from accounts.models import Action, Membership, Organization, Role, Team, User

ROLES = ("is_admin", "is_auditor", "is_lead")  # of the installation; on the person

Link = Callable[[str], str]  # the address at which the holder of this key chooses a password


class StaffRefused(ValueError):
    """A change to somebody who works here that cannot be; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field


class LastAdministrator(StaffRefused):
    """Nobody would be left who can run the installation."""


class TeamRefused(StaffRefused):
    """A change to a team that cannot be."""


@dataclass(frozen=True)
class Given:
    """What a person who works here is: name, installation roles, team."""

    name: str
    is_admin: bool = False
    is_auditor: bool = False
    is_lead: bool = False
    team: Team | None = None

    def terms(self) -> dict[str, object]:
        """As the audit log keeps it."""
        roles = {role: getattr(self, role) for role in ROLES}
        return {"name": self.name, **roles, "team": self.team.name if self.team else ""}


# ---------- reading ----------


def everybody() -> QuerySet[Any]:
    """Everybody who works here, each with the number of organizations they manage and guide now."""
    return (
        User.objects.filter(is_staff=True)
        .select_related("team")
        .annotate(
            called=Lower(Coalesce(NullIf("name", Value("")), "email", output_field=CharField())),
            managed=_number_of(Role.CSM),
            guided=_number_of(Role.GUIDE),
        )
    )


def found(people: QuerySet[Any], words: str) -> QuerySet[Any]:
    """Those of them whose name, address or team contains these words."""
    return people.filter(
        Q(name__icontains=words) | Q(email__icontains=words) | Q(team__name__icontains=words)
    )


def left_alone(leaving: Collection[User]) -> QuerySet[Organization]:
    """The organizations that would have no success manager if these people left now."""
    managed = _held(Role.CSM).filter(organization=OuterRef("pk"))
    others = managed.filter(user__is_active=True).exclude(user__in=leaving)
    return Organization.objects.filter(Exists(managed.filter(user__in=leaving)), ~Exists(others))


def teams() -> QuerySet[Team]:
    """Every team, with the number of its active people."""
    return Team.objects.annotate(size=Count("people", filter=Q(people__is_active=True))).order_by(
        Lower("name")
    )


def with_leads(found: QuerySet[Team]) -> list[tuple[Team, list[User]]]:
    """Each of these teams with who leads it."""
    leads = User.objects.filter(is_lead=True, is_active=True).order_by("name", "email")
    return [
        (team, list(team.people.all())) for team in found.prefetch_related(Prefetch("people", queryset=leads))
    ]


# ---------- people ----------


@transaction.atomic
def add(email: str, given: Given, *, by: User, link: Link) -> User:
    """The person, known from now on; a mail lets them choose a password.

    raises  StaffRefused naming the field
    """
    _check(given)
    known = User.objects.select_for_update().filter(email__iexact=email).first()
    if known and known.is_staff:
        raise StaffRefused("email", f"{known.email} works here already, as {known}.")
    if known and known.memberships.exists():
        # One person, one side: a customer's sign-in must not open other customers.
        raise StaffRefused(
            "email", f"{known.email} is known as a contact of a customer; use another address."
        )
    user = known or User.objects.create_user(email)
    user.is_staff = user.is_active = True
    _give(user, given)
    EmailAddress.objects.update_or_create(
        user=user, email=user.email, defaults={"verified": True, "primary": True}
    )
    audit.record(
        Action.PERSON_ADDED,
        by=by,
        hat=ADMIN,
        target=user,
        after={"email": user.email, **given.terms()},
    )
    _ask_for_a_password(user, by, link)
    return user


def ask_again(user: User, *, by: User, link: Link) -> None:
    """The mail once more, for somebody who has not signed in yet; raise StaffRefused for who has."""
    if user.last_login or not user.is_active:
        raise StaffRefused("email", f"{user} needs no such mail: they choose a new password at the sign-in.")
    _ask_for_a_password(user, by, link)


@transaction.atomic
def change(user: User, given: Given, *, by: User) -> bool:
    """Whether anything was different; new rights end every session of the person.

    raises  StaffRefused naming the field
    """
    _check(given)
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_admin and user.is_active and not given.is_admin:
        _keep_an_administrator([user], "is_admin")
    before = given_to(user).terms()
    after = given.terms()
    changed = [name for name in after if after[name] != before[name]]
    if not changed:
        return False
    _give(user, given)
    audit.record(
        Action.PERSON_CHANGED,
        by=by,
        hat=ADMIN,
        target=user,
        before={name: before[name] for name in changed},
        after={name: after[name] for name in changed},
    )
    if set(changed) - {"name"}:
        end_sessions(user)
    return True


@dataclass(frozen=True)
class Afterwards:
    """Who looks after the organizations of those who leave: for good, or until an instant."""

    person: User
    until: datetime | None = None


@transaction.atomic
def deactivate(
    people: Sequence[User], *, by: User, afterwards: Afterwards | None = None, at: datetime | None = None
) -> list[User]:
    """Those who could sign in until now; from now on, none of them, in any open tab.

    raises  StaffRefused for the whole list, naming the person
    """
    now = at or timezone.now()
    ids = [user.pk for user in people]
    leaving = list(
        User.objects.select_for_update().filter(pk__in=ids, is_staff=True, is_active=True).order_by("pk")
    )
    if by.pk in ids:
        raise StaffRefused("person", f"{by} is you. Ask another administrator to deactivate you.")
    _keep_an_administrator(leaving, "person")
    if afterwards and afterwards.person.pk in ids:
        raise StaffRefused("to", f"{afterwards.person} is being deactivated too; choose somebody else.")
    for user in leaving:
        if afterwards and afterwards.until:
            _cover(user, afterwards.person, afterwards.until, by=by, at=now)
        elif afterwards:
            hand_over_everything(user, afterwards.person, by=by, at=now)
        user.is_active = False
        user.save(update_fields=["is_active"])
        audit.record(Action.PERSON_DEACTIVATED, by=by, hat=ADMIN, target=user)
        end_sessions(user)
    return leaving


@transaction.atomic
def reactivate(user: User, *, by: User) -> bool:
    """Whether the person could not sign in before; what they held and nobody ended, they hold again."""
    user = User.objects.select_for_update().get(pk=user.pk)
    if user.is_active:
        return False
    user.is_active = True
    user.save(update_fields=["is_active"])
    audit.record(Action.PERSON_REACTIVATED, by=by, hat=ADMIN, target=user)
    end_sessions(user)  # a cookie from before must not come back to life
    return True


@transaction.atomic
def hand_over_everything(leaving: User, to: User, *, by: User, at: datetime | None = None) -> int:
    """The number of organizations whose success manager is now the other; raise StaffRefused naming them."""
    now = at or timezone.now()
    if not to.is_staff or not to.is_active:
        raise StaffRefused("to", f"{to} does not work here now; choose somebody who does.")
    held = list(_held(Role.CSM, now).filter(user=leaving).select_related("organization"))
    there = {each.organization_id: each for each in _held(Role.CSM, now).filter(user=to)}
    ended = {
        each.organization_id: each
        for each in Membership.objects.filter(user=to, role=Role.CSM)
        if each.organization_id not in there
    }
    back, new = [], []
    for each in held:
        if each.organization_id in there:
            continue
        if earlier := ended.get(each.organization_id):
            earlier.starts_at, earlier.ends_at = now, None  # was theirs before, and comes back
            back.append(earlier)
        else:
            new.append(Membership(organization=each.organization, user=to, role=Role.CSM, starts_at=now))
    Membership.objects.bulk_create(new, batch_size=1000)
    Membership.objects.bulk_update(back, ["starts_at", "ends_at"], batch_size=1000)
    # At the latest when it would have begun: a membership never ends before its start.
    Membership.objects.filter(pk__in=[each.pk for each in held]).update(ends_at=Greatest(now, F("starts_at")))
    lines = [(each.organization, to, {"role": Role.CSM.value, "from": leaving.pk}) for each in held]
    audit.record_all(Action.ASSIGNED, lines, by=by, hat=ADMIN)
    return len(held)


# ---------- teams ----------


@transaction.atomic
def create_team(name: str, *, by: User) -> Team:
    """The new team; raise TeamRefused for a name that another has."""
    _free(name)
    team = Team.objects.create(name=name)
    audit.record(Action.TEAM_CHANGED, by=by, hat=ADMIN, target=team, after={"team": name})
    return team


@transaction.atomic
def rename_team(team: Team, name: str, *, by: User) -> bool:
    """Whether it was called otherwise; raise TeamRefused for a name that another has."""
    if team.name == name:
        return False
    _free(name, other_than=team)
    before, team.name = team.name, name
    team.save(update_fields=["name"])
    audit.record(
        Action.TEAM_CHANGED, by=by, hat=ADMIN, target=team, before={"team": before}, after={"team": name}
    )
    return True


@transaction.atomic
def delete_team(team: Team, *, with_people: bool, by: User) -> None:
    """Gone; its people stay without a team, and who led it leads nobody.

    raises  TeamRefused while people are in it, unless they are to move out with it
    """
    inside = list(team.people.select_for_update().order_by("pk"))
    if inside and not with_people:
        raise TeamRefused("people", f"{team} has {len(inside)} people. Move them out first, or with it.")
    for user in inside:
        move(user, None, by=by)
    audit.record(
        Action.TEAM_CHANGED, by=by, hat=ADMIN, target=team, before={"team": team.name}, after={"team": ""}
    )
    team.delete()


def move(user: User, team: Team | None, *, is_lead: bool = False, by: User) -> bool:
    """Whether the person was elsewhere, or something else there; without a team nobody leads."""
    was = given_to(user)
    given = Given(user.name, was.is_admin, was.is_auditor, is_lead and team is not None, team)
    return change(user, given, by=by)


def given_to(user: User) -> Given:
    """What the person is now."""
    return Given(user.name, user.is_admin, user.is_auditor, user.is_lead, user.team)


# ---------- the rules ----------


def _check(given: Given) -> None:
    if given.is_lead and given.team is None:
        raise StaffRefused("team", "Whoever leads needs a team; choose one.")


def _free(name: str, other_than: Team | None = None) -> None:
    same = Team.objects.filter(name__iexact=name)
    if other_than:
        same = same.exclude(pk=other_than.pk)
    if taken := same.first():
        raise TeamRefused("name", f"There is a team {taken.name} already.")


def _keep_an_administrator(leaving: Sequence[User], field: str) -> None:
    """Somebody must be left: all administrators are locked, so that two cannot leave at once."""
    going = {user.pk for user in leaving if user.is_admin}
    if not going:
        return
    admins = list(User.objects.select_for_update().filter(is_admin=True, is_active=True).order_by("pk"))
    if all(admin.pk in going for admin in admins):
        last = ", ".join(str(admin) for admin in admins)
        raise LastAdministrator(
            field, f"{last} is the last active administrator. Make somebody else one first."
        )


def _give(user: User, given: Given) -> None:
    user.name, user.team = given.name, given.team
    user.is_admin, user.is_auditor, user.is_lead = given.is_admin, given.is_auditor, given.is_lead
    user.save(update_fields=["name", "team", "is_admin", "is_auditor", "is_lead", "is_staff", "is_active"])


def _cover(user: User, standing_in: User, until: datetime, *, by: User, at: datetime) -> None:
    """Cover for somebody who leaves, where there is something to cover."""
    if _held(Role.CSM, at).filter(user=user).exists():
        try:
            cover.arrange(user, standing_in, starts_at=at, ends_at=until, by=by, at=at)
        except cover.CoverRefused as refused:
            field = {"covering": "to"}.get(refused.field, refused.field)
            raise StaffRefused(field, str(refused)) from refused


def _held(role: Role, at: datetime | None = None) -> QuerySet[Membership]:
    """Memberships in this role that have not ended."""
    now = at or timezone.now()
    return Membership.objects.filter(Q(ends_at=None) | Q(ends_at__gt=now), role=role)


def _number_of(role: Role) -> Coalesce:
    held = _held(role).filter(user=OuterRef("pk")).order_by().values("user")
    return Coalesce(Subquery(held.annotate(number=Count("pk")).values("number")), 0)


def _ask_for_a_password(user: User, by: User, link: Link) -> None:
    """The mail with the key; it works once, and no longer than the key of a forgotten password."""
    key = f"{user_pk_to_url_str(user)}-{default_token_generator.make_token(user)}"
    context = {
        "user": user,
        "by": by,
        "link": link(key),
        "days": settings.PASSWORD_RESET_TIMEOUT // (24 * 3600),
        "product": settings.PRODUCT_NAME,
        "vendor": installation.current().vendor_name,
    }
    subject = " ".join(render_to_string("email/staff_added_subject.txt", context).split())
    message = render_to_string("email/staff_added_message.txt", context)
    # Robust: the person is there even if the mail server is down, and the mail can be sent again.
    transaction.on_commit(lambda: send_mail(subject, message, None, [user.email]), robust=True)
