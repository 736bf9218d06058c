"""Where organizations stand, for lists: the newest score with its band, or the word for why there is none."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from portal.pages.words import STATES
from portal.templatetags.scores import whole
from scoring import publish, read
from scoring.engine import Scorecard, State

if TYPE_CHECKING:
    from accounts.models import Organization

WORDS = {State.NOT_APPLICABLE: "No scorecard"}


@dataclass(frozen=True)
class Standing:
    """One organization's newest score as ready text."""

    tone: str
    word: str
    score: str = ""


NONE = Standing("none", "No score yet")


def standings(organizations: "Sequence[Organization]") -> dict[int, Standing]:
    """The standing of each organization, by id: as many queries for all as for one."""
    sheets = read.picker(organizations)
    found = cards({(each.scorecard, sheets[each.pk][0]) for each in organizations if each.pk in sheets})
    result = {}
    for organization in organizations:
        if organization.pk not in sheets:
            result[organization.pk] = NONE
            continue
        _, points, state = sheets[organization.pk]
        band = found[organization.scorecard].band(points) if points is not None else None
        result[organization.pk] = (
            Standing(band.tone, band.name, whole(points))
            if band
            else Standing("none", WORDS.get(state, STATES[state]))
        )
    return result


def by_score(organizations: "Sequence[Organization]", *, is_down: bool) -> list[int]:
    """Their ids by score, those without one last; equals stay as they came."""
    sheets = read.picker(organizations)
    points = {each.pk: sheets[each.pk][1] if each.pk in sheets else None for each in organizations}
    scored = [pk for pk, value in points.items() if value is not None]
    scored.sort(key=lambda pk: (points[pk] or 0) * (-1 if is_down else 1))
    return scored + [pk for pk, value in points.items() if value is None]


def cards(nights: set[tuple[str, date]]) -> dict[str, Scorecard]:
    """The scorecard of each key on its newest night: it says what the bands are called."""
    versions = {key: publish.in_force(key, at) for key, at in nights}
    return {key: publish.card_of(version) for key, version in versions.items() if version}
