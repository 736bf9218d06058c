"""THE door: the only functions that turn a person into organizations.

It knows roles, what each role may do, and what seeing the score depends on besides. Nothing else may look up
an organization for a person; everything beyond is reached by walking from the organization it returns.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.http import Http404
from django.utils import timezone

from accounts import audit
from accounts.models import (
    Action,
    Cover,
    Membership,
    Organization,
    Plan,
    PlanInterval,
    Product,
    ReviewRequest,
    Role,
    User,
)


class Capability(StrEnum):
    """Something a person may do with one organization."""

    SEE_ORGANIZATION = "see organization"  # that it exists, its plan and products, and whom to ask
    SEE_SCORE = "see score"  # the live score, its history and signals
    SEE_CONTACTS = "see contacts"
    MANAGE_CONTACTS = "manage contacts"  # invite, change and end access; never above the own role
    MANAGE_CONNECTION = "manage connection"  # how the organization's people sign in
    MANAGE_ORGANIZATION = "manage organization"  # its facts, products, plans, success manager and guide
    SEE_AS_CUSTOMER = "see as customer"  # the pages with the customer's fields, under one's own name
    IMPERSONATE = "impersonate"  # read-only, for a while, with a reason
    SEE_AUDIT = "see audit"  # who looked and who changed; how much of it, accounts.trail decides by role
    REQUEST_REVIEW = "request success review"
    ANSWER_REVIEW_REQUEST = "answer review request"
    WRITE_NOTES = "write notes"  # on the days of the score: what happened then
    CHOOSE_PEERS = "choose peers"  # whether its scores are among those that peers are compared with
    SET_TARGETS = "set targets"  # where the score is to be, and which signals matter less; it moves no score
    GIVE_FEEDBACK = "give feedback"  # say what is wrong with the score
    ANSWER_FEEDBACK = "answer feedback"
    SEE_RECOMMENDATIONS = "see recommendations"
    MARK_RECOMMENDATIONS = "mark recommendations"  # status, notes, owner, dates; never the advice itself
    TAILOR_RECOMMENDATIONS = "tailor recommendations"  # add, reword, order, hide, pin for one organization
    SAVE_ROADMAPS = "save roadmaps"  # which actions, by whom and when
    REQUEST_COACHING = "request coaching"
    ANSWER_COACHING = "answer coaching request"


# Installation roles; they stand beside the membership roles in the table below.
ADMIN = "admin"
AUDITOR = "auditor"
LEAD = "lead"  # a success manager over the portfolios of a team

# The whole of it: no role includes another, and what is not named is not allowed.
MAY: dict[str, frozenset[Capability]] = {
    Role.CONTACT: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.SEE_CONTACTS,
            Capability.MANAGE_CONTACTS,
            Capability.MANAGE_CONNECTION,
            Capability.SEE_AUDIT,
            Capability.REQUEST_REVIEW,
            Capability.WRITE_NOTES,
            Capability.CHOOSE_PEERS,
            Capability.SET_TARGETS,
            Capability.GIVE_FEEDBACK,
            Capability.SEE_RECOMMENDATIONS,
            Capability.MARK_RECOMMENDATIONS,
            Capability.SAVE_ROADMAPS,
            Capability.REQUEST_COACHING,
        },
    ),
    Role.TRAINING_ADMIN: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.SEE_CONTACTS,
            Capability.SEE_AUDIT,  # their own actions
            Capability.REQUEST_REVIEW,
            Capability.WRITE_NOTES,
            Capability.GIVE_FEEDBACK,
            Capability.SEE_RECOMMENDATIONS,
            Capability.MARK_RECOMMENDATIONS,
            Capability.REQUEST_COACHING,
        },
    ),
    Role.VIEWER: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.GIVE_FEEDBACK,
            Capability.SEE_RECOMMENDATIONS,
        }
    ),
    Role.PARTNER: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.GIVE_FEEDBACK,
            Capability.SEE_RECOMMENDATIONS,
        }
    ),
    Role.CSM: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.SEE_CONTACTS,
            Capability.SEE_AS_CUSTOMER,
            Capability.SEE_AUDIT,
            Capability.ANSWER_REVIEW_REQUEST,
            Capability.ANSWER_FEEDBACK,
            Capability.SEE_RECOMMENDATIONS,
            Capability.MARK_RECOMMENDATIONS,
            Capability.TAILOR_RECOMMENDATIONS,
            Capability.SAVE_ROADMAPS,
            Capability.ANSWER_COACHING,
        },
    ),
    Role.GUIDE: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.SEE_CONTACTS,
            Capability.SEE_AS_CUSTOMER,
            Capability.ANSWER_REVIEW_REQUEST,
            Capability.ANSWER_FEEDBACK,
            Capability.SEE_RECOMMENDATIONS,
            Capability.MARK_RECOMMENDATIONS,
            Capability.TAILOR_RECOMMENDATIONS,
            Capability.ANSWER_COACHING,
        },
    ),
    LEAD: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.SEE_CONTACTS,
            Capability.SEE_AS_CUSTOMER,
            Capability.SEE_AUDIT,
            Capability.ANSWER_REVIEW_REQUEST,
            Capability.ANSWER_FEEDBACK,
            Capability.SEE_RECOMMENDATIONS,
            Capability.MARK_RECOMMENDATIONS,
            Capability.TAILOR_RECOMMENDATIONS,
            Capability.SAVE_ROADMAPS,
            Capability.ANSWER_COACHING,
        },
    ),
    ADMIN: frozenset(
        {
            Capability.SEE_ORGANIZATION,
            Capability.SEE_SCORE,
            Capability.SEE_CONTACTS,
            Capability.MANAGE_CONTACTS,
            Capability.MANAGE_CONNECTION,
            Capability.MANAGE_ORGANIZATION,
            Capability.IMPERSONATE,
            Capability.SEE_AUDIT,
            Capability.SEE_RECOMMENDATIONS,
        },
    ),
    AUDITOR: frozenset({Capability.SEE_ORGANIZATION, Capability.SEE_CONTACTS, Capability.SEE_AUDIT}),
}

# Someone with several roles acts under, and is called by, the first of these.
HATS: tuple[str, ...] = (
    ADMIN,
    Role.CSM,
    LEAD,
    Role.GUIDE,
    AUDITOR,
    Role.CONTACT,
    Role.TRAINING_ADMIN,
    Role.PARTNER,
    Role.VIEWER,
)
CALLED = {ADMIN: "Administrator", AUDITOR: "Auditor", LEAD: "Success lead"}

# Roles on the customer's side: bound by the conditions. Staff work the account whatever it is on.
CUSTOMER_ROLES = frozenset({Role.CONTACT, Role.TRAINING_ADMIN, Role.VIEWER, Role.PARTNER})
EVERYWHERE = frozenset({ADMIN, AUDITOR})
# What staff see with the customer's eyes although it is not theirs to do: a button that answers no to them.
SHOWN_AS_CUSTOMER = frozenset({Capability.REQUEST_REVIEW, Capability.CHOOSE_PEERS, Capability.GIVE_FEEDBACK})


class Needs(StrEnum):
    """What a capability may depend on, besides a role that includes it."""

    ROLE = "role"
    PLAN = "plan"
    PRODUCT = "product"
    LANGUAGE = "language"


# In the order in which a person would check.
NEEDS: dict[Capability, tuple[Needs, ...]] = {
    Capability.SEE_SCORE: (Needs.PLAN, Needs.PRODUCT, Needs.LANGUAGE),
    Capability.REQUEST_REVIEW: (Needs.PLAN, Needs.PRODUCT),
    Capability.SET_TARGETS: (Needs.PLAN, Needs.PRODUCT, Needs.LANGUAGE),
    Capability.GIVE_FEEDBACK: (Needs.PLAN, Needs.PRODUCT, Needs.LANGUAGE),
    Capability.SEE_RECOMMENDATIONS: (Needs.PLAN, Needs.PRODUCT, Needs.LANGUAGE),
    Capability.MARK_RECOMMENDATIONS: (Needs.PLAN, Needs.PRODUCT, Needs.LANGUAGE),
    Capability.SAVE_ROADMAPS: (Needs.PLAN, Needs.PRODUCT, Needs.LANGUAGE),
    Capability.REQUEST_COACHING: (Needs.PLAN, Needs.PRODUCT, Needs.LANGUAGE),
}

# The words of the setting PLAN_OPENS, which says what each plan opens to the customer.
ROUTES: dict[str, frozenset[Capability]] = {
    "score": frozenset({Capability.SEE_SCORE, Capability.GIVE_FEEDBACK}),
    "review": frozenset({Capability.REQUEST_REVIEW}),
}

# What a plan opens together with something else: without the score there is nothing to set a target on.
TOGETHER = {
    Capability.SET_TARGETS: Capability.SEE_SCORE,
    Capability.SEE_RECOMMENDATIONS: Capability.SEE_SCORE,
    Capability.MARK_RECOMMENDATIONS: Capability.SEE_SCORE,
    Capability.SAVE_ROADMAPS: Capability.SEE_SCORE,
    Capability.REQUEST_COACHING: Capability.SEE_SCORE,
}

# What staff open of a customer's that the customer may read about.
WRITTEN_DOWN: dict[str, Action] = {
    Capability.SEE_SCORE: Action.SCORE_OPENED,
    Capability.SEE_RECOMMENDATIONS: Action.SCORE_OPENED,  # they tell the points of signals
}


# The request for a success review that waits.
WAITING = ReviewRequest.objects.filter(organization=OuterRef("pk"), answered_at=None)
# Whether an organization owns a product.
OWNED = Exists(Organization.products.through.objects.filter(organization=OuterRef("pk")))


@dataclass(frozen=True)
class Condition:
    """One thing access depends on, whether it holds, and whether it matters to this person."""

    needs: Needs
    is_met: bool
    binds: bool = True


@dataclass(frozen=True)
class Opened:
    """What the door has learned about a person and an organization, so that no page asks again."""

    roles: frozenset[str]
    plan: PlanInterval | None  # in force now
    has_product: bool  # owns one that is scored
    has_others: bool = False  # the person may know of another organization, too
    review_asked_at: datetime | None = None  # of a success review that waits for an answer
    # Of staff who see the organization as its contact would: the roles they really hold there.
    seen_by: frozenset[str] = frozenset()

    @property
    def own_roles(self) -> frozenset[str]:
        """What the person really is to the organization, whoever's eyes they see it with."""
        return self.seen_by or self.roles

    @property
    def is_customers(self) -> bool:
        """Whether this is someone of the customer's side, and nothing else."""
        return self.roles <= CUSTOMER_ROLES


class Refused(PermissionDenied):
    """The person may know of the organization, but not do this there now."""

    why = "Your role in {organization} does not include this."

    def __init__(
        self, organization: Organization, to: Capability, *, last: PlanInterval | None = None
    ) -> None:
        super().__init__(self.why.format(organization=organization))
        self.organization = organization
        self.to = to
        self.last = last  # the newest plan that has ended, None if there never was one


class PlanRefused(Refused):
    """Only the organization's plan stands between."""

    why = "The plan of {organization} does not open this now."


class ProductRefused(Refused):
    """The organization owns no product that is scored."""

    why = "{organization} owns no product that is scored."


class LanguageRefused(Refused):
    """The score is in English, the person's language is not."""

    why = "The score of {organization} is available in English only."


REFUSALS: dict[Needs, type[Refused]] = {
    Needs.ROLE: Refused,
    Needs.PLAN: PlanRefused,
    Needs.PRODUCT: ProductRefused,
    Needs.LANGUAGE: LanguageRefused,
}


def visible_organizations(user: User, *, at: datetime | None = None) -> QuerySet[Organization]:
    """The organizations this person may know of."""
    if not user.is_authenticated or not user.is_active:
        return Organization.objects.none()
    if (
        user.confined_to is not None
    ):  # came through that organization's own sign-in, which vouches for no other
        return _visible(user, at).filter(pk=user.confined_to)
    return _visible(user, at)


def _visible(user: User, at: datetime | None) -> QuerySet[Organization]:
    if installation_roles(user):
        return Organization.objects.all()
    return _held(user, at, *Role)


def portfolio(user: User, *, at: datetime | None = None) -> QuerySet[Organization]:
    """The organizations this person is success manager of now, or covers; a lead's team's with them."""
    return _held(user, at, Role.CSM)


def looked_after(user: User, *, at: datetime | None = None) -> QuerySet[Organization]:
    """What this member of staff works on now: the portfolio, and what they guide.

    raises  PermissionDenied for whoever does not work for the vendor
    """
    if not user.is_staff:
        raise PermissionDenied("A portfolio is for success managers, guides and leads.")
    return _held(user, at, Role.CSM, Role.GUIDE)


def admit(user: User, *roles: str) -> str:
    """The installation role under which this person enters a page of the house, not of one organization.

    raises  PermissionDenied for whoever holds none of these roles
    """
    if hat := hat_of(installation_roles(user) & frozenset(roles)):
        return hat
    raise PermissionDenied("This is not for you: it takes another role.")


def open_organization(
    user: User, slug: str, *, to: Capability = Capability.SEE_ORGANIZATION, at: datetime | None = None
) -> Organization:
    """The organization of this slug, if this person may do that there.

    raises  Http404 when they may not know of it, Refused when they may know but not do it: the subclass
            says what stands between
    """
    mine = visible_organizations(user, at=at)
    found = mine.filter(slug=slug).annotate(
        owns_product=OWNED,
        are_products=Exists(Product.objects.all()),
        has_others=Exists(mine.exclude(slug=slug)),
        review_asked_at=Subquery(WAITING.values("asked_at")[:1]),
    )
    organization = found.first()
    if organization is None:
        raise Http404("No such organization.")
    known = {organization.pk: organization.owns_product or not organization.are_products}
    opened = look_up(user, [organization], at=at, products=known)[organization.pk]
    opened = replace(opened, has_others=organization.has_others, review_asked_at=organization.review_asked_at)
    if user.sees_as_customer == organization.pk and able_to(Capability.SEE_AS_CUSTOMER, opened.roles):
        opened = replace(opened, roles=frozenset({Role.CONTACT}), seen_by=opened.roles)
    organization.opened = opened
    for condition in conditions(user, opened, to):
        if condition.binds and not condition.is_met:
            last = last_plan(organization, at=at) if condition.needs is Needs.PLAN else None
            refusal = REFUSALS[condition.needs](organization, to, last=last)
            _refused(user, opened, refusal)
            raise refusal
    able = able_to(to, opened.own_roles)
    if to in WRITTEN_DOWN and (able - CUSTOMER_ROLES or user.impersonated_by):
        # Once an hour: the customer reads who looked, not how often they turned the page.
        audit.record(
            WRITTEN_DOWN[to],
            by=user,
            hat=hat_of(able),
            organization=organization,
            once=(audit.HOUR, f"{(user.impersonated_by or user).pk}:{organization.pk}"),
        )
    return organization


def hat_of(roles: Collection[str]) -> str:
    """The one of these roles a person acts under."""
    return next((role for role in HATS if role in roles), "")


def called(roles: Collection[str]) -> str:
    """What a person with these roles is called."""
    hat = hat_of(roles)
    return CALLED.get(hat) or (Role(hat).label if hat else "")


def able_to(to: Capability, roles: Collection[str]) -> frozenset[str]:
    """Those of the roles that include this."""
    return frozenset(role for role in roles if to in MAY[role])


def look_up(
    user: User,
    organizations: Iterable[Organization],
    *,
    at: datetime | None = None,
    products: Mapping[int, bool] | None = None,
) -> dict[int, Opened]:
    """What the door knows about this person and each organization, by id; as many queries for all as for one.

    Not a door itself: the organizations must come from `visible_organizations`.

    products  whether each owns one that is scored, for whoever knows it already
    """
    ids = [organization.pk for organization in organizations]
    roles: dict[int, set[str]] = {}
    held = in_force(user.memberships.filter(organization__in=ids), at)
    for pk, role in held.values_list("organization_id", "role"):
        roles.setdefault(pk, set()).add(role)
    now = at or timezone.now()
    for role, managed in _of_others(user, at).items():
        for pk in managed.filter(organization__in=ids).values_list("organization_id", flat=True).distinct():
            roles.setdefault(pk, set()).add(role)
    running = PlanInterval.objects.filter(_holds(now), organization__in=ids)
    plans = {interval.organization_id: interval for interval in running}
    everywhere = installation_roles(user)
    return {
        pk: Opened(frozenset(roles.get(pk, ())) | everywhere, plans.get(pk), has_product)
        for pk, has_product in (products.items() if products is not None else _with_product(ids))
    }


def installation_roles(user: User) -> frozenset[str]:
    """The roles this person has everywhere."""
    return frozenset(role for role, holds in ((ADMIN, user.is_admin), (AUDITOR, user.is_auditor)) if holds)


def conditions(user: User, opened: Opened, to: Capability = Capability.SEE_SCORE) -> list[Condition]:
    """What doing this depends on, met and unmet, in the order a person would check."""
    able = able_to(to, opened.roles)
    if opened.seen_by and to not in SHOWN_AS_CUSTOMER and not able_to(to, opened.seen_by):
        able = frozenset()  # seeing with the customer's eyes never gives more than one's own role
    binds = able <= CUSTOMER_ROLES
    return [
        Condition(Needs.ROLE, bool(able)),
        *(Condition(needs, CHECKS[needs](user, opened, to), binds) for needs in NEEDS.get(to, ())),
    ]


def is_open(user: User, opened: Opened, to: Capability = Capability.SEE_SCORE) -> bool:
    """Whether this person may do that now: what `open_organization` would say."""
    return all(condition.is_met or not condition.binds for condition in conditions(user, opened, to))


def explain(user: User, organization: Organization, *, at: datetime | None = None) -> list[Condition]:
    """What seeing the score depends on, met and unmet, for someone who may know of the organization."""
    opened = organization.opened
    if opened is None or at is not None:
        opened = look_up(user, [organization], at=at)[organization.pk]
    return conditions(user, opened)


def roles_in(user: User, organization: Organization, *, at: datetime | None = None) -> frozenset[str]:
    """Every role this person holds in the organization now."""
    return look_up(user, [organization], at=at)[organization.pk].roles


def plan_in_force(organization: Organization, *, at: datetime | None = None) -> PlanInterval | None:
    """The plan interval that holds now; None without one."""
    return organization.plan_intervals.filter(_holds(at or timezone.now())).first()


def last_plan(organization: Organization, *, at: datetime | None = None) -> PlanInterval | None:
    """The newest plan interval that has ended; None if there never was one."""
    now = at or timezone.now()
    return organization.plan_intervals.filter(ends_at__lte=now).order_by("-ends_at").first()


def opened_by(plan: str) -> frozenset[Capability]:
    """What this plan opens to the customer; one that the setting does not name opens nothing."""
    return frozenset().union(*(ROUTES[word] for word in settings.PLAN_OPENS.get(plan, ())))


def plans_that_open(to: Capability) -> list[str]:
    """The names of the plans that open this to the customer."""
    return [plan.label for plan in Plan if to in opened_by(plan)]


# ---------- the checks ----------


def _plan_opens(user: User, opened: Opened, to: Capability) -> bool:
    return opened.plan is not None and TOGETHER.get(to, to) in opened_by(opened.plan.plan)


def _has_product(user: User, opened: Opened, to: Capability) -> bool:
    return opened.has_product or not settings.SCORE_PRODUCT_CONDITION


def _reads_english(user: User, opened: Opened, to: Capability) -> bool:
    is_english = not user.language or user.language.partition("-")[0] == "en"
    return is_english or user.is_viewing_in_english or not settings.SCORE_LANGUAGE_CONDITION


CHECKS: dict[Needs, Callable[[User, Opened, Capability], bool]] = {
    Needs.PLAN: _plan_opens,
    Needs.PRODUCT: _has_product,
    Needs.LANGUAGE: _reads_english,
}


def _with_product(ids: list[int]) -> list[tuple[int, bool]]:
    """Whether each owns a product that is scored; every one does where no scorecard declares any."""
    asked = Organization.objects.filter(pk__in=ids).order_by()
    found = asked.values_list("pk", OWNED, Exists(Product.objects.all()))
    return [(pk, owns or not are_there) for pk, owns, are_there in found]


def _holds(now: datetime) -> Q:
    """Intervals are half-open: at the instant one ends it has ended, and what begins then holds."""
    return Q(starts_at__lte=now) & (Q(ends_at=None) | Q(ends_at__gt=now))


def _refused(user: User, opened: Opened, refusal: Refused) -> None:
    reason = str(refusal)
    if type(refusal) is Refused:  # its words speak to the person, the log to others
        reason = f"{refusal.to} is not for {', '.join(sorted(opened.own_roles))}."
    audit.refused(
        Action.REFUSED,
        by=user,
        hat=hat_of(opened.own_roles),
        organization=refusal.organization,
        reason=reason,
        once=(audit.MINUTE, f"{user.pk}:{refusal.organization.pk}:{refusal.to}"),
    )


def _held(user: User, at: datetime | None, *roles: Role) -> QuerySet[Organization]:
    """The organizations in which this person holds one of these roles, or stands in for who manages them."""
    if not user.is_active:
        return Organization.objects.none()
    mine = in_force(Membership.objects.filter(user=user, role__in=roles), at)
    found = Q(Exists(mine.filter(organization=OuterRef("pk"))))
    for managed in _of_others(user, at).values():
        found |= Q(Exists(managed.filter(organization=OuterRef("pk"))))
    return Organization.objects.filter(found)


def _of_others(user: User, at: datetime | None) -> dict[str, QuerySet[Membership]]:
    """What others manage and this person may work on for them, by the role that it gives."""
    if not user.is_staff or not user.is_active:
        return {}
    managed = in_force(Membership.objects.filter(role=Role.CSM), at)
    covered = covers_in_force(at).filter(covering=user)
    found: dict[str, QuerySet[Membership]] = {Role.CSM: managed.filter(user__in=covered.values("absent"))}
    if user.is_lead and user.team_id:
        found[LEAD] = managed.filter(user__team=user.team_id)
    return found


def covers_in_force(at: datetime | None = None) -> QuerySet[Cover]:
    """Who stands in for whom now; at the instant it ends, a cover has ended."""
    now = at or timezone.now()
    return Cover.objects.filter(starts_at__lte=now, ends_at__gt=now, covering__is_active=True)


def in_force(memberships: QuerySet[Membership], at: datetime | None = None) -> QuerySet[Membership]:
    """Those that hold: one that begins later gives nothing yet, one that has ended nothing any more."""
    return memberships.filter(_holds(at or timezone.now()))
