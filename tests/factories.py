"""Plain functions that make what a test needs; every field can be overridden."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from django.test import Client

from accounts import sessions
from accounts.models import Membership, Organization, Plan, PlanInterval, Product, Role, User
from recommendations.models import Recommendation
from scoring import publish
from scoring.models import Batch, Correction, Metric, Observation, ScorecardVersion, Source

SMALL_CARD = (Path(__file__).parent / "small_card.toml").read_text()
PASSWORD = "a quiet harbor at dusk"
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


def make_user(email: str, **fields: Any) -> User:
    """A person who can sign in with PASSWORD."""
    name = fields.pop("name", email.partition("@")[0].title())
    user = User.objects.create_user(email, PASSWORD, name=name, **fields)
    user.emailaddress_set.create(email=user.email, verified=True, primary=True)
    return user


def make_organization(name: str, *, products: Iterable[str] = (), **fields: Any) -> Organization:
    """An organization with these products, without a plan."""
    slug = fields.pop("slug", name.lower().replace(" ", "-"))
    fields.setdefault("external_id", slug)
    organization = Organization.objects.create(name=name, slug=slug, **fields)
    for key in products:
        organization.products.add(Product.objects.get_or_create(key=key, defaults={"name": key.title()})[0])
    return organization


def make_plan(
    organization: Organization,
    plan: Plan = Plan.SIGNATURE,
    *,
    starts_at: datetime = LONG_AGO,
    ends_at: datetime | None = None,
) -> PlanInterval:
    return PlanInterval.objects.create(
        organization=organization, plan=plan, starts_at=starts_at, ends_at=ends_at
    )


def make_membership(
    user: User, organization: Organization, role: Role = Role.CONTACT, **fields: Any
) -> Membership:
    fields.setdefault("starts_at", LONG_AGO)
    return Membership.objects.create(user=user, organization=organization, role=role, **fields)


def make_batch(source: str = "tests", **fields: Any) -> Batch:
    return Batch.objects.create(source=Source.objects.get_or_create(key=source)[0], **fields)


def make_observations(
    organization: Organization, numbers: Mapping[str, Mapping[date, float]], **batch: Any
) -> Batch:
    """One batch with these numbers: metric key → day → value, not packed yet."""
    batch.setdefault("metrics", sorted(numbers))
    made = make_batch(**batch)
    metrics = {metric.key: metric for metric in Metric.objects.filter(key__in=numbers)}
    Observation.objects.bulk_create(
        Observation(organization=organization, metric=metrics[key], day=day, value=value, batch=made)
        for key, values in numbers.items()
        for day, value in values.items()
    )
    return made


def monthly(last: date, values: Iterable[float]) -> dict[date, float]:
    """These values on the last days of consecutive months, the last of them in the month of `last`."""
    values = list(values)
    result = {}
    month = last.replace(day=1)
    for value in reversed(values):
        following = (month + timedelta(days=32)).replace(day=1)
        result[following - timedelta(days=1)] = value
        month = (month - timedelta(days=1)).replace(day=1)
    return dict(sorted(result.items()))


def publish_small_card(text: str = SMALL_CARD, **fields: Any) -> ScorecardVersion:
    """The scorecard of tests/small_card.toml, or a variant of its text, published."""
    return publish.publish(text, **fields)


def believable(
    until: date, *, work_orders: Iterable[float] = (564,) * 12 + (693,)
) -> dict[str, dict[date, float]]:
    """Numbers for every metric of the small scorecard, such that all its signals are OK on `until`.

    Work orders are those of the last complete months: 693 against a mean of 564 makes 61.44 points.
    """
    this_month = until.replace(day=1)
    last_month = this_month - timedelta(days=1)
    days = [until - timedelta(days=n) for n in range(65)]
    return {
        "sales.licenses_activated": {until - timedelta(days=1): 412},
        "sales.licenses_purchased": {until - timedelta(days=1): 500},
        "sales.work_orders": monthly(last_month, work_orders),
        "reviews.held": {until - timedelta(days=20): 1},
        "reviews.satisfaction": {last_month: 4.25},
        "platform.errors": {day: float(day.day % 5 == 0) for day in days},
        "platform.page_requests": {day: 100.0 + day.day for day in days},
        "platform.page_time": {day: 600.0 + 10 * day.day for day in days},
    }


def make_measured(organization: Organization, until: date, **changes: Mapping[date, float]) -> Batch:
    """Believable numbers of every metric; `changes` by key, with `__` for the dot, add or replace some."""
    numbers: dict[str, Mapping[date, float]] = dict(believable(until))
    for key, values in changes.items():
        metric = key.replace("__", ".")
        numbers[metric] = {**numbers[metric], **values}
    return make_observations(
        organization,
        numbers,
        metrics=["reviews.held"],
        complete_from=until - timedelta(days=400),
        complete_to=until,
    )


def correct(organization: Organization, metric: str, day: date, value: float, **batch: Any) -> Batch:
    """A value replaced as ingest does it: the row moves to the new batch, the old value goes to the log."""
    made = make_batch(**batch)
    row = Observation.objects.get(organization=organization, metric__key=metric, day=day)
    Correction.objects.create(
        organization=organization,
        metric=row.metric,
        day=day,
        value=row.value,
        batch=row.batch,
        replaced_by=made,
    )
    Observation.objects.filter(organization=organization, metric=row.metric, day=day).update(
        value=value, batch=made
    )
    return made


def as_if_earlier(client: Client) -> Client:
    """The same client, whose person has not shown for long that it is them."""
    session = client.session
    session[sessions.FRESH] = 0
    session.save()
    return client


__all__ = [
    "LONG_AGO",
    "PASSWORD",
    "SMALL_CARD",
    "as_if_earlier",
    "believable",
    "correct",
    "make_batch",
    "make_measured",
    "make_membership",
    "make_observations",
    "make_organization",
    "make_plan",
    "make_recommendation",
    "make_user",
    "monthly",
    "publish_small_card",
]


def make_recommendation(organization: Organization, **fields: Any) -> Recommendation:
    """A new recommendation that moves a signal at 50 points to 100, suggested on 20 November 2026."""
    fields.setdefault("signal", "platform.coaching_sessions")
    defaults = {
        "scorecard": "customer-success",
        "category": "customer-expertise",
        "title": "Book a second coaching session",
        "status_at": datetime(2026, 11, 20, 2, tzinfo=UTC),
        "points": 5000,
        "target": 10_000,
        "gain": 120,
        "effort_days": "1.5",
        "horizon": "short",
        "suggested_on": date(2026, 11, 20),
    }
    return Recommendation.objects.create(organization=organization, **defaults | fields)
