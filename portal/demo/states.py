"""Which organization of the demo shows what, and where to look: for the README, the tests and the curious."""

from typing import NamedTuple

from scoring.engine import Flag, State


class Shown(NamedTuple):
    """One thing that the demo shows; `where` is a node of the score tree, or a page."""

    what: str
    slug: str
    where: str
    state: State | None = None
    flag: Flag = Flag(0)


STATES: tuple[Shown, ...] = (
    Shown("work orders 693 / 564 × 50 = 61", "aldermoor-logistics", "field.work_order_growth", State.OK),
    Shown("work orders 499 / 564 × 50 = 44", "castellan-freight", "field.work_order_growth", State.OK),
    Shown("one signal without data", "aldermoor-logistics", "data.sources_connected", State.MISSING),
    Shown("a score without reservations", "lindqvist-medical", "overall", State.OK),
    Shown("new: connected 12 days ago, setting up", "aldermoor-sandbox-eu", "overall", State.SETTING_UP),
    Shown("young: connected 55 days ago, provisional", "wexcombe-diagnostics", "overall", State.PROVISIONAL),
    Shown(
        "too young for growth",
        "wexcombe-diagnostics",
        "sales.opportunity_growth",
        State.INSUFFICIENT_HISTORY,
    ),
    Shown("a feed that stopped: provisional", "ostrava-components", "overall", State.PROVISIONAL),
    Shown("a feed that stopped: missing", "ostrava-components", "data.credit_consumption", State.MISSING),
    Shown("a feed that is late, in grace", "vessbrook-paper", "sales.license_activation", State.STALE_GRACE),
    Shown("below the coverage floor: no number", "kestrelby-airports", "overall", State.INSUFFICIENT_DATA),
    Shown(
        "use without entitlement: invalid", "delmar-ceramics", "analytics.viewer_activation", State.INVALID
    ),
    Shown(
        "a product that is not owned", "lindqvist-medical", "data.credit_consumption", State.NOT_APPLICABLE
    ),
    Shown(
        "more used than bought",
        "pellaro-systems",
        "sales.license_activation",
        State.OK,
        Flag.OVER_100,
    ),
    Shown("growth from nothing", "corvane-retail", "marketing.send_growth", State.OK, Flag.FROM_ZERO),
    Shown(
        "dormant: nothing in 13 months",
        "marchetti-figli",
        "field.work_order_growth",
        State.NOT_APPLICABLE,
        Flag.DORMANT,
    ),
    Shown("one category applies: no overall", "quillmere-press", "overall", State.INSUFFICIENT_DATA),
    Shown("no product: no score", "orrin-bay-marine", "overall", State.NOT_APPLICABLE),
    Shown("a month in which all causes of a change act", "lumenbrook-schools", "moved"),
    Shown("on Premier: shared in a success review", "harrow-pike-haulage", "plan"),
    Shown("plan lapsed 20 days ago", "amberley-trust", "plan"),
    Shown("on Standard", "quintavale-wines", "plan"),
)
