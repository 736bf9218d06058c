"""What each cell of an organization's line may be; no database."""

import re
from collections.abc import Callable, Collection
from datetime import UTC, date, datetime

from django.core.exceptions import ValidationError
from django.core.validators import validate_email, validate_slug

from accounts.models import Plan
from accounts.organizations import OrganizationRefused

COLUMNS = (
    "external_id",
    "name",
    "plan",
    "plan_from",
    "plan_to",
    "industry",
    "region",
    "seats",
    "products",
    "parent",
    "scorecard",
    "csm",
)
LONGEST = {
    "external_id": 120,
    "name": 200,
    "industry": 80,
    "region": 80,
    "parent": 120,
    "csm": 254,
    "scorecard": 60,
}
DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
# What our own export writes for a plan that does not begin or end with a day.
MOMENT = re.compile(DAY.pattern + r"T\d{2}:\d{2}:\d{2}(\.\d{6})?\+00:00", re.ASCII)

Cells = dict[str, str]


def check(cells: Cells, products: Collection[str]) -> None:
    """Raise OrganizationRefused for the first cell that cannot be what its column says."""
    if "external_id" not in cells:
        raise OrganizationRefused("external_id", "is missing")
    for name, value in cells.items():
        if len(value) > LONGEST.get(name, 1000):
            raise OrganizationRefused(name, f"is longer than {LONGEST.get(name, 1000)} characters")
        if not value.isprintable():
            raise OrganizationRefused(name, "holds characters that cannot be printed")
    for name, checker in CHECKS.items():
        if name in cells:
            checker(cells)
    for key in product_keys(cells):
        if key not in products:
            known = ", ".join(sorted(products)) or "none, until a scorecard is published"
            raise OrganizationRefused("products", f"product {key!r} is not known; known are {known}")


def product_keys(cells: Cells) -> list[str]:
    """The keys between the semicolons."""
    return [key.strip() for key in cells.get("products", "").split(";") if key.strip()]


def midnight(text: str) -> datetime:
    """The begin of a day, UTC; a moment as it is."""
    if MOMENT.fullmatch(text):
        return datetime.fromisoformat(text).astimezone(UTC)
    return datetime.combine(date.fromisoformat(text), datetime.min.time(), UTC)


def _check_plan(cells: Cells) -> None:
    if cells["plan"].lower() not in Plan.values:
        raise OrganizationRefused("plan", f"{cells['plan']!r} is none of {', '.join(Plan.values)}")
    if "plan_from" not in cells:
        raise OrganizationRefused("plan_from", "is missing: since when is the organization on its plan?")


def _check_plan_from(cells: Cells) -> None:
    _day("plan_from", cells["plan_from"])
    if "plan" not in cells:
        raise OrganizationRefused("plan", "is missing beside plan_from")


def _check_plan_to(cells: Cells) -> None:
    ends_at = _day("plan_to", cells["plan_to"])
    if "plan_from" not in cells:
        raise OrganizationRefused("plan_from", "is missing beside plan_to")
    if ends_at <= _day("plan_from", cells["plan_from"]):
        raise OrganizationRefused(
            "plan_to", f"{cells['plan_to']} is not after plan_from, {cells['plan_from']}"
        )


def _check_seats(cells: Cells) -> None:
    seats = cells["seats"]
    if not (seats.isascii() and seats.isdigit() and len(seats) <= 10 and 1 <= int(seats) <= 2_147_483_647):
        raise OrganizationRefused("seats", f"{seats[:40]!r} is not a whole number of seats, 1 or more")


def _check_scorecard(cells: Cells) -> None:
    try:
        validate_slug(cells["scorecard"])
    except ValidationError as error:
        raise OrganizationRefused("scorecard", f"{cells['scorecard']!r} is no key of a scorecard") from error


def _check_csm(cells: Cells) -> None:
    try:
        validate_email(cells["csm"])
    except ValidationError as error:
        raise OrganizationRefused("csm", f"{cells['csm']!r} is no e-mail address") from error


def _day(name: str, text: str) -> datetime:
    try:
        if not (DAY.fullmatch(text) or MOMENT.fullmatch(text)):
            raise ValueError(text)
        return midnight(text)
    except ValueError:
        raise OrganizationRefused(name, f"{text!r} is not a day like 2026-01-31") from None


CHECKS: dict[str, Callable[[Cells], None]] = {
    "plan": _check_plan,
    "plan_from": _check_plan_from,
    "plan_to": _check_plan_to,
    "seats": _check_seats,
    "scorecard": _check_scorecard,
    "csm": _check_csm,
}
