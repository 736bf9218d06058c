"""Recommendations for the tests of pages: as the night leaves them, over the small scorecard."""

from datetime import timedelta
from typing import Any

from django.utils import timezone

from accounts.models import Organization
from recommendations.models import Recommendation
from tests.portal.scored import YESTERDAY

SIGNAL = "sales.license_activation"


def advise(
    organization: Organization, title: str = "Hand out idle licenses", **fields: Any
) -> Recommendation:
    """One recommendation of the organization, new since last night."""
    given: dict[str, Any] = {
        "scorecard": "customer-success",
        "signal": SIGNAL,
        "category": "product-adoption",
        "product": "sales",
        "play": title.lower().replace(" ", "-")[:80],
        "status_at": timezone.now() - timedelta(days=1),
        "points": 8240,
        "target": 9000,
        "gain": 120,
        "effects": {SIGNAL: [8240, 9000], "product-adoption": [8000, 8300], "overall": [7000, 7120]},
        "effort_days": 2,
        "horizon": "short",
        "suggested_on": YESTERDAY,
        "refreshed_on": YESTERDAY,
        "why": {"points": 8240, "threshold": 9000},
    }
    return Recommendation.objects.create(organization=organization, title=title, **given | fields)
