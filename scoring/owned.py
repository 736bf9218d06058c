"""What a published sheet says of the products its organization owned: who owned what is kept nowhere."""

from datetime import date

import numpy as np

from scoring import publish, sheets
from scoring.engine import Panel, State
from scoring.models import Pointer, ScorecardVersion, ScoreSheet


def then(panel: Panel, version: ScorecardVersion) -> np.ndarray:
    """Who owned which product on the day of a panel, shape (orgs, products), for scoring it under `version`.

    A signal that applied on the day's official sheet says that its product was owned. A product none of whose
    signals applied counts as not owned. Without a sheet, and of a product that its scorecard did not know,
    today's list stands.
    """
    other = Pointer.objects.filter(version__key=version.key, day=panel.day).exclude(version=version)
    official = other.select_related("run__version").order_by("-version__number").first()
    if official is None:
        return panel.owned
    return _as_published(panel, official.run.version, panel.day, official.run.revision)


def _as_published(panel: Panel, version: ScorecardVersion, day: date, revision: int) -> np.ndarray:
    card, ids = publish.card_of(version), panel.organizations
    rows = ScoreSheet.objects.filter(
        version=version,
        day=day,
        revision=revision,
        organization_id__gte=int(ids[0]),
        organization_id__lte=int(ids[-1]),
    ).order_by("organization_id")
    here = set(ids.tolist())
    found = [row for row in rows.values_list("organization_id", "nodes") if row[0] in here]
    if not found:
        return panel.owned
    at = np.searchsorted(ids, [organization for organization, _ in found])
    applied = sheets.table([bytes(nodes) for _, nodes in found], card)[1] != State.NOT_APPLICABLE
    has = panel.owned.copy()
    for column, product in enumerate(panel.products):
        mine = [
            place for place, node in enumerate(card.nodes) if node.signal and node.signal.product == product
        ]
        if mine:
            has[at, column] = applied[:, mine].any(axis=1)
    return has
