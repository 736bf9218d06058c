"""Receipts: equal to the sheet, worked out again by a stranger, and the same whatever has come since."""

import json
import random
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from accounts.models import Organization, Product
from scoring import pack, publish, receipts, replay, run
from scoring.engine import State
from scoring.models import Metric, Observation, ScorecardVersion
from tests.factories import (
    SMALL_CARD,
    believable,
    correct,
    make_batch,
    make_measured,
    make_observations,
    make_organization,
    make_plan,
    publish_small_card,
)
from tests.receipts import is_equal, not_equal, verified, verifier
from tests.scoring.engine.random_panels import Population, population
from tests.scoring.random_receipts import replays

CHECKER = verifier()
DAY = date(2026, 10, 20)
NODES = ("overall", "product-adoption", "product-adoption/momentum", "sales.work_order_growth")


@pytest.fixture
def version(db: None) -> ScorecardVersion:
    return publish_small_card()


@pytest.fixture
def measured(orchard: Organization, version: ScorecardVersion) -> Organization:
    """Orchard with everything measured and packed, not scored yet."""
    make_measured(orchard, DAY)
    pack.pack_due()
    return orchard


def night(version: ScorecardVersion, day: date = DAY, **fields: object) -> None:
    opened = run.open_run(version, day, **fields)
    run.work(opened)
    assert run.publish_run(opened)


def receipt(
    organization: Organization, node: str = "overall", day: date = DAY, **which: int
) -> receipts.Receipt:
    found = receipts.of(organization, node, day, **which)
    assert found is not None
    return found


# ---------- every kind in every state ----------


@pytest.mark.parametrize(
    ("seed", "day"),
    [(1, date(2026, 10, 20)), (2, date(2026, 10, 31)), (3, date(2026, 3, 1)), (4, date(2024, 2, 29))],
    ids=["any day", "close", "short month before", "leap day"],
)
def test_stranger_works_out_every_kind_in_every_state(seed, day):
    for made in replays(seed, day, 7):
        found = receipts.of_replay(made, "overall")

        assert found.differences == ()
        assert not_equal(CHECKER.verify(found.raw)[0]) == []


def test_random_organizations_reach_every_kind_and_state():
    made = list(replays(1, DAY, 7))

    states = {State(int(state)) for each in made for state in each.scores.state[0]}
    scored = {
        node.signal.kind
        for each in made
        for at, node in enumerate(each.card.nodes)
        if node.signal and each.scores.points[0, at] > 0
    }

    assert states >= set(State) - {State.SETTING_UP}
    assert len(scored) == 9


def test_node_that_came_out_otherwise_is_found_wherever_it_is():
    made = next(replays(5, DAY, 1))
    whole = receipts.of_replay(made, "overall").document
    dice = random.Random(5)
    found = [each for each in nodes(whole["root"]) if each["points"] is not None]
    for each in dice.sample(found, 12):
        exact, each["exact"] = each["exact"], receipts.number_text(float(each["exact"]) + 1e-4)

        assert not CHECKER.verify(signed(whole))[1], each["node"]
        each["exact"] = exact
    assert CHECKER.verify(signed(whole))[1]


def nodes(root: dict) -> Iterator[dict]:
    yield root
    for child in root.get("children", ()):
        yield from nodes(child)


def signed(document: dict) -> bytes:
    body = {key: value for key, value in document.items() if key != "sha256"}
    return receipts.canonical_bytes(receipts.signed(body))


# ---------- a whole night, from the measurements to the stranger ----------


def test_every_node_of_a_published_night_equals_the_sheet_and_verifies(db, tmp_path):
    people = population(12, DAY, 3)
    customers = loaded(people)
    night(publish.publish(people.text))
    cards = [replay.of_night(each, replay.night_of("random", DAY)) for each in customers]

    found = [receipts.of_replay(made, node.id) for made in cards for node in made.card.nodes]
    said = verified(tmp_path, *[each.raw for each in found])

    assert len(found) > 250
    assert [each.node.id for each in found if each.differences] == []
    assert (said.returncode, said.stderr) == (0, "")
    assert said.stdout.count("EQUAL: all") == len(found)


def loaded(people: Population) -> list[Organization]:
    """The random organizations in the database: facts, measurements, what was declared; packed."""
    version = publish.publish(people.text)
    ids = {metric.key: metric.pk for metric in Metric.objects.all()}
    customers = []
    for number, facts in enumerate(people.facts):
        customer = make_organization(f"Customer {number}", scorecard=version.key, products=facts.owned)
        if facts.contract_started:
            starts = facts.contract_started
            make_plan(customer, starts_at=datetime.combine(starts, time(), UTC))
        batch = make_batch("numbers")
        Observation.objects.bulk_create(
            Observation(organization=customer, metric_id=ids[key], day=day, value=value, batch=batch)
            for key, values in facts.observations.items()
            for day, value in values.items()
        )
        for key, windows in facts.declared.items():
            for first, last in windows:
                make_batch(
                    "said", organization=customer, metrics=[key], complete_from=first, complete_to=last
                )
        customers.append(customer)
    pack.pack_due()
    return customers


# ---------- what it says ----------


def test_receipt_of_693_against_564_shows_the_whole_way_to_61(measured, version):
    night(version)

    root = receipt(measured, "sales.work_order_growth").document["root"]

    assert (root["points"], root["shown"], root["history"]) == ("61.44", "61", "12/12")
    assert root["figures"] == {
        "numerator": "693",
        "denominator": "564",
        "raw": "61.43617021276596",
        "month": "2026-09",
    }
    assert root["exact"] == "61.43617021276596"


def test_document_names_run_version_source_and_arrival_of_every_number(measured, version):
    night(version)
    made = run.ScoringRun.objects.get()

    document = receipt(measured, "sales.license_activation").document

    assert document["sheet"]["run"] == str(made.pk)
    assert document["sheet"]["watermark"] == str(made.watermark)
    assert document["scorecard"]["sha256"] == version.digest
    batch = measured.observations.get(metric__key="sales.licenses_activated").batch
    assert document["batches"][str(batch.pk)]["source"] == "tests"
    assert document["batches"][str(batch.pk)]["arrived"] == (batch.received_at.isoformat(timespec="seconds"))
    assert set(document["metrics"]) == {"sales.licenses_activated", "sales.licenses_purchased"}
    assert document["metrics"]["sales.licenses_activated"]["values"] == [
        {"day": "2026-10-19", "value": "412", "batch": str(batch.pk), "correction": False}
    ]


def test_document_is_canonical_and_has_no_number_that_a_program_could_round(measured, version):
    night(version)

    raw = receipt(measured).raw
    found = json.loads(raw, parse_int=pytest.fail, parse_float=pytest.fail)

    assert raw == json.dumps(found, sort_keys=True, separators=(",", ":")).encode()
    assert raw == receipt(measured).raw


@pytest.mark.parametrize("value", [0.1, 1 / 3, 61.43617021276596, 1e15, 5e-324, 693.0, -0.0, 123456789.25])
def test_numbers_as_text_give_the_very_number_again(value):
    assert float(receipts.number_text(value)) == value


def test_declared_zeros_are_named_with_the_batch_that_said_so(measured, version):
    night(version)

    [span] = receipt(measured, "customer-expertise/engagement").document["metrics"]["reviews.held"][
        "complete"
    ]

    assert (span["from"], span["to"]) == ((DAY - timedelta(days=400)).isoformat(), DAY.isoformat())


# ---------- what came later ----------


@pytest.mark.parametrize("node", NODES)
def test_late_batch_and_correction_after_the_run_change_no_byte(measured, version, node):
    night(version)
    before = receipt(measured, node).raw
    correct(measured, "sales.work_orders", date(2026, 9, 30), 5)
    make_observations(measured, {"sales.work_orders": {date(2026, 9, 3): 40}})
    make_batch(metrics=["sales.work_orders"], complete_from=date(2026, 1, 1), complete_to=DAY)
    pack.pack_due()

    after = receipt(measured, node)

    assert after.raw == before
    assert after.differences == ()
    assert is_equal(CHECKER, after.raw)


def test_correction_that_arrived_but_was_not_packed_yet_does_not_show(measured, version):
    night(version)
    before = receipt(measured).raw
    correct(measured, "sales.licenses_activated", DAY - timedelta(days=1), 5)

    assert receipt(measured).raw == before


def test_correction_before_the_run_is_marked(measured, version):
    correct(measured, "sales.licenses_activated", DAY - timedelta(days=1), 50)
    pack.pack_due()
    night(version)

    found = receipt(measured, "sales.license_activation")

    [value] = found.document["metrics"]["sales.licenses_activated"]["values"]
    assert (value["value"], value["correction"]) == ("50", True)
    assert is_equal(CHECKER, found.raw)


def test_restated_close_and_the_one_before_each_keep_their_receipt(measured, version):
    night(version)
    first = receipt(measured).raw
    correct(measured, "sales.licenses_activated", DAY - timedelta(days=1), 5)
    pack.pack_due()
    night(version, revision=1, reason="Restated with late data")

    again, newest = receipt(measured, revision=0), receipt(measured)

    assert again.raw == first != newest.raw
    assert newest.document["sheet"]["reason"] == "Restated with late data"
    assert [other.revision for other in receipts.others(newest)] == [0]
    assert is_equal(CHECKER, newest.raw)


def test_receipt_of_a_year_ago_verifies_under_its_old_version(orchard, version):
    then = DAY - timedelta(days=365)
    make_measured(orchard, then)
    pack.pack_due()
    night(version, then)
    newer = publish_small_card(
        SMALL_CARD.replace("weight = 50", "weight = 10"), effective_on=DAY - timedelta(days=1)
    )
    since = {
        key: {day: value for day, value in values.items() if day > DAY - timedelta(days=300)}
        for key, values in believable(DAY).items()
    }
    make_observations(orchard, since)
    pack.pack_due()
    night(newer)

    old, new = receipt(orchard, day=then), receipt(orchard)

    assert (old.document["scorecard"]["version"], new.document["scorecard"]["version"]) == ("1", "2")
    assert old.differences == new.differences == ()
    assert is_equal(CHECKER, old.raw)
    assert is_equal(CHECKER, new.raw)


def test_day_scored_under_two_versions_has_a_receipt_of_each(measured, version):
    night(version)
    newer = publish_small_card(SMALL_CARD.replace("weight = 50", "weight = 10"))
    night(newer)

    shown, older = receipt(measured), receipt(measured, number=1)

    assert (shown.night.version, older.night.version) == (newer, version)
    assert [other.version.number for other in receipts.others(shown)] == [1]
    assert shown.differences == older.differences == ()


def test_measurements_that_are_no_longer_kept_are_said_and_not_hidden(measured, version):
    night(version)
    measured.observations.filter(metric__key="sales.work_orders").delete()

    found = receipt(measured)

    differing = {each.node: (each.published, each.receipt) for each in found.differences}
    assert differing["sales.work_order_growth"] == ("61.44, OK", "no number, MISSING")
    assert "overall" in differing
    assert receipt(measured, "technical-health").differences == ()


def test_product_bought_since_does_not_change_the_receipt(measured, version):
    measured.products.remove(Product.objects.get(key="sales"))
    night(version)
    before = receipt(measured).document["root"]
    measured.products.add(Product.objects.get(key="sales"))

    after = receipt(measured)

    assert after.document["root"] == before
    assert after.differences == ()


# ---------- what there is none of ----------


def test_there_is_no_receipt_of_what_was_never_published(measured, harbor, version):
    night(version)

    assert receipts.of(measured, "no.such.signal", DAY) is None
    assert receipts.of(measured, "overall", DAY - timedelta(days=1)) is None
    assert receipts.of(measured, "overall", DAY, revision=1) is None
    assert receipts.of(measured, "overall", DAY, number=2) is None
    assert receipts.of(make_organization("Later"), "overall", DAY) is None


def test_receipt_holds_nothing_of_anybody_else(measured, harbor, version):
    make_measured(harbor, DAY)
    make_batch(
        "harbor only",
        organization=harbor,
        metrics=["sales.work_orders"],
        complete_from=date(2026, 1, 1),
        complete_to=DAY,
    )
    pack.pack_due()
    night(version)

    raw = receipt(measured).raw

    assert b"arbor" not in raw
