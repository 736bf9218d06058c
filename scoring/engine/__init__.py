"""The scoring engine: a scorecard and the numbers of one night in, points out. No Django, no clock."""

from scoring.engine.errors import PanelInvalid, ScorecardInvalid, ScoringError
from scoring.engine.panel import Declaration, Panel
from scoring.engine.parsing import parse
from scoring.engine.rollup import Scores, score
from scoring.engine.scorecard import (
    Band,
    Cadence,
    Category,
    Grain,
    Level,
    Metric,
    Nature,
    Node,
    Product,
    Scorecard,
    Signal,
    Subcategory,
)
from scoring.engine.states import Flag, State, canonical, shown

__all__ = [
    "Band",
    "Cadence",
    "Category",
    "Declaration",
    "Flag",
    "Grain",
    "Level",
    "Metric",
    "Nature",
    "Node",
    "Panel",
    "PanelInvalid",
    "Product",
    "Scorecard",
    "ScorecardInvalid",
    "Scores",
    "ScoringError",
    "Signal",
    "State",
    "Subcategory",
    "canonical",
    "parse",
    "score",
    "shown",
]
