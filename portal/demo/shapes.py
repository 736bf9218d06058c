"""What the numbers of a metric look like: tables and small curves, nothing about any one customer."""

from dataclasses import dataclass
from statistics import NormalDist

import numpy as np

from scoring.engine.options import Curve, PerformanceOptions

Array = np.ndarray

# A part is this share of its whole; the signal that divides them says how large it is.
PARTS = {
    "sales.licenses_activated": "sales.licenses_purchased",
    "sales.users_active_7d": "sales.licenses_activated",
    "sales.deals_open_complete": "sales.deals_open",
    "service.licenses_activated": "service.licenses_purchased",
    "service.cases_closed_with_article": "service.cases_closed",
    "service.cases_auto_routed": "service.cases_created",
    "field.licenses_activated": "field.licenses_purchased",
    "field.work_orders_closed_on_mobile": "field.work_orders_closed",
    "data.credits_used": "data.credits_provisioned",
    "marketing.contacts_messaged_90d": "marketing.contacts_entitled",
    "marketing.sends_from_journeys": "marketing.sends",
    "commerce.storefronts_live": "commerce.storefronts_entitled",
    "analytics.viewers_active_30d": "analytics.viewers_licensed",
    "platform.admins_with_core_course": "platform.admins",
    "platform.certificates_current": "platform.certificates_held",
    "platform.help_sessions_without_ticket": "platform.help_sessions",
    "platform.tickets_how_to": "platform.tickets",
}


@dataclass(frozen=True)
class Size:
    """How large a stock is now: so many a seat of its product, between two ends, in round numbers."""

    a_seat: float
    least: int
    most: int = 10_000_000
    round_to: int = 1


STOCKS = {
    "sales.licenses_purchased": Size(1, 5),
    "sales.deals_open": Size(1.7, 12),
    "service.licenses_purchased": Size(1, 5),
    "field.licenses_purchased": Size(1, 5),
    "analytics.viewers_licensed": Size(1, 5),
    "marketing.contacts_entitled": Size(60, 5_000, round_to=1_000),
    "commerce.storefronts_entitled": Size(0.005, 3, 14),
    "platform.users": Size(0.9, 12),
    "platform.admins": Size(0.006, 2, 45),
    "platform.certificates_held": Size(0.008, 3, 60),
    "platform.top_rank_learners": Size(0.012, 4, 120),
    "data.credits_provisioned": Size(120, 5_000, round_to=1_000),  # a flow that goes in steps like a stock
}


@dataclass(frozen=True)
class Volume:
    """How much of a flow a month brings: so many a seat, its season, and what it is a share of."""

    a_seat: float
    least: float
    season: float = 0.03  # height of the yearly wave
    peak: int = 10  # month in which it crests


FLOWS = {
    "sales.deals_created": Volume(1.3, 15, 0.05, 11),
    "service.cases_created": Volume(7, 80, 0.04, 1),
    "service.self_service_resolutions": Volume(4, 40, 0.04, 1),
    "field.work_orders": Volume(4.5, 30, 0.06, 9),
    "data.segment_activations": Volume(0.2, 25, 0.06, 11),
    "marketing.sends": Volume(170, 9_000, 0.10, 12),
    "commerce.orders": Volume(14, 900, 0.12, 12),
    "platform.help_sessions": Volume(0.8, 25, 0.03, 1),
    "platform.tickets": Volume(0.07, 8, 0.03, 1),
    "platform.page_requests": Volume(18, 260, 0.0),  # a day
    "platform.api_requests": Volume(45, 900, 0.0),  # a day
}
NEARLY = {  # a flow that follows another one closely
    "service.cases_closed": ("service.cases_created", 0.97),
    "field.work_orders_closed": ("field.work_orders", 0.96),
}

# The share of a customer's seats that each product takes, before they are made to add up to 1.
WEIGHT = {"sales": 9.0, "service": 4.0, "field": 2.0, "analytics": 5.0}


def setting(key: str, level: Array) -> Array:
    """Values of one setting of the security baseline at these levels."""
    if key == "platform.setting_password_length":
        return np.clip(np.rint(5 + level / 11), 6, 14)
    if key == "platform.setting_session_timeout":
        return np.select([level >= 84, level >= 66, level >= 45], [120, 240, 480], 720)
    hard = HARD.get(key, 50)
    return np.select([level >= hard, level >= hard - 18], [1, 0.5], 0)


HARD = {
    "platform.setting_guest_access": 60,
    "platform.setting_admin_networks": 78,
    "platform.setting_sign_in_lockout": 40,
    "platform.setting_clickjack_protection": 50,
    "platform.setting_file_types": 66,
    "platform.setting_redirect_warning": 72,
    "platform.setting_sign_in_notice": 58,
    "platform.setting_app_allowlist": 82,
}


def of_level(key: str, level: Array, users: Array) -> Array:
    """Values of a metric that is neither a part, a stock with a size, nor a flow."""
    if key == "data.sources_active":
        return np.floor(level / 21)
    if key == "platform.certified_people":
        return np.select([level < 32, level < 56], [0, 1], np.floor(2 + (level - 56) / 14))
    if key == "platform.components_on_retired_versions":
        return np.ceil(np.clip(64 - level, 0, None) * 0.7)
    if key == "platform.event_logs_forwarded":
        return (level >= 60) * 1.0
    if key == "platform.users_without_mfa":
        return np.ceil(np.clip(72 - level, 0, None) / 100 * users)
    return setting(key, level)


def time_for(points: Array, options: PerformanceOptions) -> Array:
    """The average that a performance signal turns into these points."""
    share = np.clip(points, 1, 99) / 100
    if options.curve == Curve.LINEAR:
        return options.low + (1 - share) * (options.high - options.low)
    if options.curve == Curve.LOGNORMAL:
        normal = NormalDist()
        # SCORING §4 the other way round: erfc(z) / 2 is the normal distribution at -z × √2.
        z = np.array([-normal.inv_cdf(one) for one in share.ravel()]).reshape(share.shape) / np.sqrt(2)
        return options.high * np.exp(z * -np.log(options.low / options.high) / 0.9061938024368232)
    raise NotImplementedError(f"the demo draws no {options.curve} curve")


def office_week(days: Array, weekend: float) -> Array:
    """A share of a usual day for each ordinal: weekends are quiet."""
    return np.where((days - 1) % 7 < 5, 1.0, weekend)


def wave(days: Array, height: float, peak: int) -> Array:
    """A yearly season around 1 that crests in a month of the year."""
    # Ordinal 1 is a 1 January; a month is dated on its last day, and its middle is meant.
    turn = (days - 15) / 365.2425 - (peak - 0.5) / 12
    return 1 + height * np.cos(2 * np.pi * turn)
