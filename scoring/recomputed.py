"""Earlier month ends scored again under the version in force: a history that can be compared over time.

Month ends only: a packed month is what its last day knew, while of a day inside a month it says too much (a
sum runs on, a stock keeps its newest number alone). They stand beside the official history: no pointer leads
here, so no score, no receipt, no peer and no target ever reads one.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from itertools import islice

from accounts.models import Organization
from scoring import run, sheets
from scoring.course import Night
from scoring.history import History
from scoring.models import Pointer, ScorecardVersion, ScoringRun

CLOSES = 24  # so far back: a year to look at, and the year before to compare it with
A_NIGHT = 4  # closes recomputed in one night at most: a year takes three nights, and none takes long


def due(version: ScorecardVersion, day: date) -> list[tuple[date, int]]:
    """The closes before `day` to score under this version, newest first, each with its official revision.

    A close that was restated since is recomputed again, as that revision: both lines read the same data.
    """
    ends = list(islice(_closes(day), CLOSES))
    pointers = Pointer.objects.filter(version__key=version.key, day__in=ends).order_by("version__number")
    columns = pointers.values_list("day", "version__number", "run__revision")
    official = {close: (number, revision) for close, number, revision in columns}
    older = {close: revision for close, (number, revision) in official.items() if number < version.number}
    if not older:
        return []
    made = ScoringRun.objects.filter(version=version, day__in=older)
    over = set(made.exclude(published_at=None, abandoned_at=None).values_list("day", "revision"))
    return [(close, older[close]) for close in ends if close in older and (close, older[close]) not in over]


def _closes(day: date) -> Iterator[date]:
    while True:
        day = run.last_close(day)
        yield day


def of(organization: Organization, past: History, nodes: Sequence[str]) -> list[Night]:
    """These nodes on the nights of older versions, as far as they were recomputed under the newest one.

    Oldest first; none, and no question asked, where one version made the whole history.
    """
    if not past.sheets:
        return []
    version = past.sheets[max(past.sheets)].version
    older = {day for day, night in past.nights.items() if night.version_id != version.pk}
    if not older:
        return []
    made = ScoringRun.objects.filter(beside=True, version=version, day__gte=min(older), day__lte=max(older))
    revisions: dict[date, int] = {}
    for day, revision in made.exclude(published_at=None).order_by("revision").values_list("day", "revision"):
        revisions[day] = revision
    rows = organization.score_sheets.filter(version=version, day__in=older.intersection(revisions))
    card = past.sheets[max(past.sheets)].card
    found = []
    for day, revision, data in rows.order_by("day").values_list("day", "revision", "nodes"):
        if revision == revisions[day]:
            known = {node: sheets.figure(bytes(data), card, node) for node in nodes}
            figures = {node: figure for node, figure in known.items() if figure is not None}
            found.append(Night(day, version.number, revision, figures))
    return found
