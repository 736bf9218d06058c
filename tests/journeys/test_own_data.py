"""Your own data: organizations through a map, a scorecard of your own, numbers, a night, a score.

The figures of three economies, from the public file that docs/examples/innovation_graph walks through
(github/innovationgraph, data/git_pushes.csv, CC0), typed here so that the walk is tested everywhere.
"""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command

EXAMPLE = Path(__file__).resolve().parents[2] / "docs" / "examples" / "innovation_graph"
# Git pushes by quarter, 2020 Q1 to 2024 Q4.
PUSHES = {
    "US": [
        *(21377653, 23736592, 22384454, 21752294),
        *(22731866, 21827012, 19828529, 21495838),
        *(23987664, 24092826, 22823129, 24373958),
        *(25930264, 25765719, 23796738, 25996849),
        *(27262532, 26651541, 25260831, 27999678),
    ],
    "DE": [
        *(3622573, 4211265, 3666680, 4097759),
        *(4509036, 4473869, 3906973, 4411751),
        *(4924329, 4857243, 4775836, 5152515),
        *(5715361, 5508947, 5403146, 5818564),
        *(6305606, 6153419, 5963323, 6295034),
    ],
    "NZ": [
        *(277372, 369416, 353450, 296108),
        *(309119, 363158, 389639, 338229),
        *(338124, 376680, 402837, 347398),
        *(356325, 408861, 436971, 375764),
        *(376240, 463565, 476865, 405390),
    ],
}


def manage(*arguments: object) -> str:
    out = StringIO()
    call_command(*map(str, arguments), stdout=out)
    return out.getvalue()


def score(slug: str) -> dict[str, Any]:
    return json.loads(manage("score", slug, "--scorecard", "git-activity", "--json"))["score"]


@pytest.fixture
def pushes(tmp_path: Path) -> Path:
    """The public file, cut to three economies and the aggregate that the map leaves out."""
    path = tmp_path / "git_pushes.csv"
    lines = ["git_pushes,iso2_code,year,quarter"]
    for number in range(20):
        year, quarter = 2020 + number // 4, number % 4 + 1
        lines += [f"{values[number]},{code},{year},{quarter}" for code, values in PUSHES.items()]
        lines.append(f"{10**8},EU,{year},{quarter}")
    path.write_text("\n".join(lines) + "\n")
    return path


def test_file_of_your_own_is_scored_by_following_the_walk(db, pushes):
    organizations = manage("import_organizations", pushes, "--map", EXAMPLE / "map.toml", "--json")
    manage("publish_scorecard", EXAMPLE / "scorecard.toml")
    report = manage("ingest", pushes, "--map", EXAMPLE / "map.toml", "--json")
    manage("nightly", "--day", "2024-12-31", "--scorecard", "git-activity")

    assert json.loads(organizations)["created"] == 3
    assert {key: json.loads(report)[key] for key in ("lines", "accepted", "filtered")} == {
        "lines": 80,
        "accepted": 60,
        "filtered": 20,
    }
    assert {slug: score(slug)["points"] for slug in ("us", "de", "nz")} == {
        "us": "53.25",
        "de": "51.94",
        "nz": "47.91",
    }


def test_score_shows_what_it_was_worked_out_from(db, pushes):
    manage("import_organizations", pushes, "--map", EXAMPLE / "map.toml")
    manage("publish_scorecard", EXAMPLE / "scorecard.toml")
    manage("ingest", pushes, "--map", EXAMPLE / "map.toml")
    manage("nightly", "--day", "2024-12-31", "--scorecard", "git-activity")

    (signal,) = signals(score("us"))

    assert signal["kind"] == "growth"
    assert signal["inputs"]["numerator"] == PUSHES["US"][-1]
    assert signal["inputs"]["denominator"] == sum(PUSHES["US"][-5:-1]) / 4


def signals(node: dict[str, Any]) -> list[dict[str, Any]]:
    """The signals at and below a node of the tree."""
    if node["level"] == "signal":
        return [node]
    return [signal for child in node["children"] for signal in signals(child)]
