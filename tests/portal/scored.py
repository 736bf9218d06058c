"""Nights for the tests of pages: made by the real night, over the small scorecard."""

import re
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta

from accounts.models import Organization
from portal.nightly import run_night
from tests.factories import make_measured, publish_small_card

TODAY = datetime.now(UTC).date()
YESTERDAY = TODAY - timedelta(days=1)


def score(
    *organizations: Organization, days: tuple[date, ...] = (YESTERDAY,), **changes: Mapping[date, float]
) -> None:
    """Publish the small scorecard, measure these organizations, run these nights."""
    publish_small_card()
    licenses = {"sales__licenses_activated": 412.0, "sales__licenses_purchased": 500.0}
    for key, number in licenses.items():
        changes.setdefault(key, {day - timedelta(days=1): number for day in days})
    for organization in organizations:
        make_measured(organization, YESTERDAY, **changes)
    for day in days:
        run_night(day)


def text_of(response: object) -> str:
    """What a reader sees: no tags, single spaces."""
    content = response.content.decode()
    content = re.sub(r"<svg hidden.*?</svg>", " ", content, count=1, flags=re.S)
    content = re.sub(r"<[^>]+>", " ", content)
    content = content.replace("&amp;", "&").replace("&#x27;", "'").replace("&quot;", '"')
    return re.sub(r"\s+", " ", content)
