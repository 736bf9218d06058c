"""Real input that none of us made: quarterly git pushes of 184 economies, with gaps, to published scores."""

from datetime import date
from pathlib import Path

import pytest

from accounts.intake import import_organizations
from accounts.models import Organization
from portal.nightly import run_night
from scoring import observe
from scoring.models import Observation, ScoreSheet
from scoring.publish import publish

ROOT = Path(__file__).resolve().parents[2]
EXAMPLE = ROOT / "docs" / "examples" / "innovation_graph"
PUSHES = ROOT.parent / "shared" / "data" / "innovation_graph" / "git_pushes.csv"
LAST = date(2024, 12, 31)

needs_data = pytest.mark.skipif(
    not PUSHES.exists(), reason="only on a checkout with ../shared/data/innovation_graph beside it"
)


@needs_data
def test_economies_get_the_points_that_their_own_rows_give(db):
    map_path = EXAMPLE / "map.toml"
    arrived = import_organizations(PUSHES, map_path=map_path)
    publish((EXAMPLE / "scorecard.toml").read_text())
    report = observe.ingest(PUSHES, today=LAST, map_path=map_path)
    run_night(LAST, scorecard="git-activity")

    sheets = dict(ScoreSheet.objects.filter(day=LAST).values_list("organization__external_id", "points"))
    assert (arrived.created, arrived.adds_up) == (183, True)
    assert (report.lines, report.accepted, report.filtered, report.adds_up) == (3429, 3409, 20, True)
    assert {code: sheets[code] for code in ("US", "DE", "IN", "NZ")} == {
        "US": 5325,
        "DE": 5194,
        "IN": 5444,
        "NZ": 4791,
    }
    scored = [points for points in sheets.values() if points != -1]
    assert len(scored) == 179
    assert scored.count(10000) == 1
    assert Organization.objects.count() - len(scored) == 4


@needs_data
def test_same_file_again_adds_nothing(db):
    map_path = EXAMPLE / "map.toml"
    publish((EXAMPLE / "scorecard.toml").read_text())
    import_organizations(PUSHES, map_path=map_path)
    observe.ingest(PUSHES, today=LAST, map_path=map_path)

    arrived = import_organizations(PUSHES, map_path=map_path)
    report = observe.ingest(PUSHES, today=LAST, map_path=map_path)

    assert (arrived.created, arrived.unchanged, arrived.repeated) == (0, 183, 3226)
    assert (report.accepted, report.duplicate, report.conflicting) == (0, 3409, 0)
    assert Observation.objects.count() == 3409
