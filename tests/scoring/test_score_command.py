"""manage.py score: one organization's whole tree, for people and for programs."""

import json
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from accounts.models import Organization
from scoring import pack, read, run
from scoring.models import ScorecardVersion
from tests.factories import SMALL_CARD, make_measured, make_organization, publish_small_card

DAY = date(2026, 10, 20)
DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "score-json.md"

# docs/score-json.md promises these: fields are added, never renamed or taken away.
CARD = {"organization", "scorecard", "version", "day", "revision", "made_at", "watermark", "score"}
NODE = {
    "id",
    "level",
    "name",
    "points",
    "shown",
    "band",
    "state",
    "coverage",
    "lower",
    "upper",
    "weight",
    "share",
    "contribution",
}
SIGNAL = NODE | {"kind", "product", "preview", "flags", "inputs"}


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


@pytest.fixture
def scored(orchard: Organization, version: ScorecardVersion) -> Organization:
    """Orchard with one published night."""
    make_measured(orchard, DAY)
    pack.pack_due()
    night(version, DAY)
    return orchard


def night(version: ScorecardVersion, day: date) -> None:
    opened = run.open_run(version, day)
    run.work(opened)
    assert run.publish_run(opened)


def document(capsys, *options: str) -> dict:
    call_command("score", *options, "--json")
    return json.loads(capsys.readouterr().out)


def walk(node: dict) -> list[dict]:
    return [node] + [below for child in node.get("children", []) for below in walk(child)]


def test_json_has_the_documented_fields(scored, capsys):
    card = document(capsys, "orchard")

    assert card.keys() == CARD
    for node in walk(card["score"]):
        assert node.keys() == (SIGNAL if node["level"] == "signal" else NODE | {"children"})


def test_every_field_is_documented():
    described = DOCUMENT.read_text()

    for name in CARD | SIGNAL | {"children"}:
        assert f"`{name}`" in described, name


def test_json_tells_which_night_it_is(scored, capsys):
    card = document(capsys, "orchard")

    assert (card["organization"], card["scorecard"], card["version"]) == ("orchard", "customer-success", 1)
    assert (card["day"], card["revision"], card["watermark"]) == (DAY.isoformat(), 0, 1)


def test_json_holds_the_tree_in_the_order_of_the_scorecard(scored, capsys):
    tree = document(capsys, "orchard")["score"]

    assert [node["id"] for node in walk(tree)] == [node.id for node in read.latest(scored).scorecard.nodes]


def test_json_gives_the_parts_of_693_against_564(scored, capsys):
    nodes = {node["id"]: node for node in walk(document(capsys, "orchard")["score"])}

    growth = nodes["sales.work_order_growth"]
    assert (growth["points"], growth["shown"], growth["state"], growth["band"]) == (
        "61.44",
        61,
        "OK",
        "act-now",
    )
    assert (growth["kind"], growth["product"], growth["preview"], growth["flags"]) == (
        "growth",
        "sales",
        False,
        [],
    )
    assert growth["inputs"]["numerator"] == 693
    assert growth["inputs"]["denominator"] == 564
    assert growth["inputs"]["month"] == "2026-09"
    assert growth["inputs"]["as_of"] == "2026-09-30"
    assert growth["weight"] == 1
    assert nodes["product-adoption"]["weight"] == 0.5


def test_contributions_in_json_add_up_to_the_parent(scored, capsys):
    for node in walk(document(capsys, "orchard")["score"]):
        if "children" in node:
            parts = [hundredths(child["contribution"]) for child in node["children"]]
            assert sum(parts) == hundredths(node["points"])


def hundredths(points: str | None) -> int:
    return int(points.replace(".", "")) if points else 0


def test_json_is_the_same_every_time(scored, capsys):
    assert document(capsys, "orchard") == document(capsys, "orchard")


def test_unknown_is_null_and_never_a_number(version, capsys):
    bare = make_organization("Bare", products=["sales"])
    make_measured(bare, DAY - timedelta(days=200))
    pack.pack_due()
    night(version, DAY)

    nodes = {node["id"]: node for node in walk(document(capsys, "bare")["score"])}

    growth, errors = nodes["sales.work_order_growth"], nodes["platform.error_days"]
    assert (growth["state"], growth["points"], growth["shown"], growth["band"]) == (
        "MISSING",
        None,
        None,
        None,
    )
    assert (growth["coverage"], growth["lower"], growth["upper"]) == (0, "0.00", "100.00")
    assert (errors["state"], errors["coverage"], errors["lower"]) == ("NOT_APPLICABLE", None, None)


def test_text_shows_every_node_with_its_number(scored, capsys):
    call_command("score", "orchard")

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == f"Orchard, Customer Success Score v1, {DAY}, revision 0"
    assert len(lines) == 1 + len(read.latest(scored).scorecard.nodes)
    (growth,) = [line for line in lines if "Work order growth" in line]
    for part in (
        "61.44",
        "Act now",
        "ok",
        "weight 100.0 %",
        "coverage 1.00",
        "numerator 693",
        "denominator 564",
    ):
        assert part in growth


def test_earlier_day_shows_the_night_before_it(scored, version, capsys):
    night(version, DAY + timedelta(days=2))

    assert document(capsys, "orchard", "--day", "2026-10-21")["day"] == "2026-10-20"
    assert document(capsys, "orchard")["day"] == "2026-10-22"


def test_other_scorecard_is_shown_when_asked_for(scored, capsys):
    health = publish_small_card(SMALL_CARD.replace('key = "customer-success"', 'key = "account-health"', 1))
    night(health, DAY)

    assert document(capsys, "orchard", "--scorecard", "account-health")["scorecard"] == "account-health"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["elsewhere"], 'There is no organization "elsewhere".'),
        (
            ["orchard", "--scorecard", "none"],
            'There is no scorecard "none". Published: customer-success, second.',
        ),
        (["orchard", "--day", "yesterday"], '"yesterday" is not a day; write it as 2026-11-20.'),
        (
            ["orchard", "--day", "2026-10-19"],
            "Orchard has no score on or before 2026-10-19; run manage.py nightly.",
        ),
        (
            ["orchard", "--scorecard", "second"],
            'Orchard has no score on scorecard "second"; run manage.py nightly.',
        ),
        (["harbor"], "Harbor has no score; run manage.py nightly."),
    ],
)
def test_refusal_is_one_sentence(options, message, scored):
    publish_small_card(SMALL_CARD.replace('key = "customer-success"', 'key = "second"', 1))
    make_organization("Harbor")

    with pytest.raises(CommandError) as refused:
        call_command("score", *options)

    assert str(refused.value) == message


def test_without_any_scorecard_the_refusal_says_what_to_do(orchard):
    with pytest.raises(CommandError, match="none yet; publish one with publish_scorecard"):
        call_command("score", "orchard", "--scorecard", "customer-success")
