"""The targets page, the goal-weighted index and the weakest pillar, as people meet them."""

import random
import re
import tomllib
from dataclasses import replace
from datetime import timedelta

import pytest
from django.test import Client

from accounts import goals
from accounts.models import Role
from portal.nightly import run_night
from portal.pages.weakest import weakest
from scoring import emphasis, read, targets
from scoring.models import Observation
from tests.factories import SMALL_CARD, make_measured, make_membership, make_user, publish_small_card
from tests.portal.scored import TODAY, YESTERDAY, score, text_of
from tests.test_doors import DOORS, plain

PAGE = "/o/orchard/targets/"
DUE = TODAY + timedelta(days=180)
SIGNAL = "platform.page_speed"
FILE = tomllib.loads(SMALL_CARD)


@pytest.fixture
def scored(orchard):
    score(orchard, days=(YESTERDAY - timedelta(days=30), YESTERDAY))
    return orchard


@pytest.fixture
def dana_in(scored, dana, client):
    client.force_login(dana)
    return client


@pytest.fixture
def dora(orchard):
    """Another designated contact of Orchard."""
    user = make_user("dora@orchard.example")
    make_membership(user, orchard, Role.CONTACT)
    return user


def aim(organization, by, node="overall", value=95, **more):
    card = read.latest(organization)
    told = {"due_on": DUE, "start": (card.day, card.by_node[node].points)} | more
    return goals.set_target(organization, card.key, node, value=value, by=by, **told)


def spare(organization, by, signal=SIGNAL, matters="not", **more):
    told = {"reason": "Our pages are few.", "matters": matters} | more
    return goals.set_emphasis(organization, organization.scorecard, signal, by=by, **told)


# ---------- targets ----------


def test_page_without_a_target_says_what_to_do(dana_in):
    page = text_of(dana_in.get(PAGE))

    assert "No target yet" in page
    assert "Set the first one below." in page


def test_page_before_the_first_score_says_when_to_come_back(client, dana):
    client.force_login(dana)

    response = client.get(PAGE)

    assert response.status_code == 200
    assert "There is no score yet" in text_of(response)


def test_contact_sets_a_target_and_sees_its_straight_path(dana_in, scored):
    sent = {"node": "overall", "value": "95", "due_on": DUE.isoformat(), "seen": ""}

    response = dana_in.post(f"{PAGE}set/", sent, follow=True)

    page, card = text_of(response), read.latest(scored)
    assert f"Overall score: {card.overall.whole} to 95 by" in page
    assert "On the path" in page
    assert "Set by Dana on" in page
    assert 'data-cat="goal"' in response.content.decode()
    assert "straight dashed path to 95" in response.content.decode()


def test_numbers_of_the_chart_stand_below_it_as_a_table(dana_in, scored, dana):
    aim(scored, dana)

    table = re.search(r'<table class="tbl tbl--tight.*?</table>', dana_in.get(PAGE).content.decode(), re.S)

    rows = re.findall(r"<td class=\"num\">([^<]+)</td>", table.group())
    start = read.latest(scored).overall.points
    assert rows == ["95.0", "–", f"{start / 100:.1f}", f"{start / 100:.1f}"]


@pytest.mark.parametrize(
    ("sent", "says"),
    [
        ({"value": "101"}, "Enter a target from 0 to 100."),
        ({"value": "82.5"}, "without decimals"),
        ({"value": ""}, "Enter a target from 0 to 100."),
        ({"due_on": "2020-01-01"}, "is not in the future"),
        ({"due_on": "soon"}, "is not a day; write it as"),
        ({"node": "sales.gone"}, "“sales.gone” is not in the list."),
        ({"points": "100"}, "“points” is not a field of this form."),
    ],
    ids=["above", "decimals", "empty", "past", "word", "unknown", "foreign field"],
)
def test_target_that_cannot_be_is_explained_beside_its_field(dana_in, scored, sent, says):
    whole = {"node": "overall", "value": "95", "due_on": DUE.isoformat(), "seen": ""}

    response = dana_in.post(f"{PAGE}set/", whole | sent)

    assert response.status_code == 422
    assert says in text_of(response)
    assert not scored.targets.exists()


def test_node_without_a_number_gets_no_target(client, dana, orchard):
    publish_small_card()
    make_measured(orchard, YESTERDAY)
    Observation.objects.filter(metric__key="reviews.satisfaction").delete()
    run_night(YESTERDAY)
    client.force_login(dana)
    silent = [each.node for each in targets.choices(read.latest(orchard)) if each.points is None]
    assert silent

    for node in silent:
        sent = {"node": node, "value": "90", "due_on": DUE.isoformat(), "seen": ""}
        response = client.post(f"{PAGE}set/", sent)
        assert response.status_code == 422
        assert "This has no number now" in text_of(response)

    assert not orchard.targets.exists()


def test_who_was_slower_is_told_and_shown_what_stands(dana_in, scored, dora):
    first = aim(scored, dora, value=70)
    aim(scored, dora, value=75, seen=first.public_id)

    sent = {"node": "overall", "value": "95", "due_on": DUE.isoformat(), "seen": str(first.public_id)}
    response = dana_in.post(f"{PAGE}set/", sent)

    assert response.status_code == 409
    assert "Not saved. Someone changed this a moment ago" in text_of(response)
    assert goals.whole(scored).targets["overall"].value == 75


def test_ended_target_stays_readable_with_who_ended_it(dana_in, scored, dora):
    made = aim(scored, dora)

    dana_in.post(f"{PAGE}{made.public_id}/end/")

    page = text_of(dana_in.get(PAGE))
    assert "No target yet" in page
    assert re.search(r"Overall score: [\d.]+ to 95 by .+ Dora, .+ Dana, ", page)


def test_success_manager_reads_the_targets_and_has_no_form(client, scored, dana, casey):
    aim(scored, dana)
    spare(scored, dana)
    client.force_login(casey)

    page = client.get(PAGE)

    assert "Set by Dana on" in text_of(page)
    assert "Our pages are few." in text_of(page)
    assert f'action="{PAGE}' not in page.content.decode()
    assert f'href="{PAGE}">All targets' in client.get("/o/orchard/").content.decode()
    sent = {"node": "overall", "value": "40", "due_on": DUE.isoformat(), "seen": ""}
    assert client.post(f"{PAGE}set/", sent).status_code == 403
    assert goals.whole(scored).targets["overall"].value == 95


def test_target_of_another_organization_is_not_there(dana_in, scored, harbor, hal):
    foreign = goals.set_target(
        harbor, harbor.scorecard, "overall", value=90, due_on=DUE, start=(YESTERDAY, 7000), by=hal
    )

    assert dana_in.post(f"{PAGE}{foreign.public_id}/end/").status_code == 404
    foreign.refresh_from_db()
    assert foreign.ended_at is None


def test_viewer_reads_the_targets_and_is_offered_no_button(client, scored, dana, vera):
    aim(scored, dana)
    spare(scored, dana)
    client.force_login(vera)

    response = client.get(PAGE)

    assert "Overall score:" in text_of(response)
    assert "Does not matter to us" in text_of(response)
    assert 'action="/o/orchard/targets' not in response.content.decode()


def test_page_asks_few_questions_however_many_targets_there_are(
    dana_in, scored, dana, django_assert_max_num_queries
):
    for node in ("overall", "product-adoption", "technical-health", SIGNAL):
        aim(scored, dana, node)
    dana_in.get(PAGE)

    with django_assert_max_num_queries(16):
        dana_in.get(PAGE)


# ---------- what matters less ----------


def test_contact_says_that_a_signal_matters_less_and_reads_the_index(dana_in, scored):
    sent = {"node": SIGNAL, "matters": "less", "reason": "Our pages are few.", "seen": ""}

    page = text_of(dana_in.post(f"{PAGE}less/", sent, follow=True))

    index = emphasis.index(read.latest(scored), {SIGNAL: "less"})
    assert f"Your goal-weighted index, not the score {index.whole}" in page
    assert f"The score is {read.latest(scored).overall.whole}." in page
    assert "Page speed Dana," in page


def test_signal_is_not_spared_without_a_reason(dana_in, scored):
    response = dana_in.post(f"{PAGE}less/", {"node": SIGNAL, "matters": "less", "reason": "", "seen": ""})

    assert response.status_code == 422
    assert "Say why, in a few words" in text_of(response)


def test_signal_gets_its_usual_weight_again(dana_in, scored, dora):
    made = spare(scored, dora)

    page = text_of(dana_in.post(f"{PAGE}less/{made.public_id}/end/", follow=True))

    assert "every signal matters as much as the scorecard says" in page
    assert "not the score" not in page
    assert "Page speed: does not matter to us. Our pages are few." in page


def test_index_stands_on_the_overview_only_once_something_matters_less(dana_in, scored, dana):
    assert "goal-weighted" not in text_of(dana_in.get("/o/orchard/"))

    spare(scored, dana)

    index = emphasis.index(read.latest(scored), {SIGNAL: "not"})
    assert f"Your goal-weighted index, not the score: {index.whole} ." in text_of(dana_in.get("/o/orchard/"))


def test_overview_leads_to_the_targets(dana_in, scored, dana):
    assert f'href="{PAGE}">Set a target' in dana_in.get("/o/orchard/").content.decode()

    aim(scored, dana)

    assert re.search(r"95 by .{10,12}: on the path\.", text_of(dana_in.get("/o/orchard/")))


# ---------- the score stays what it is ----------

# Pages that are there to show goals; and whatever tells who did what.
SHOW_GOALS = {"dashboard", "targets", "trends", "trends-figure", "planner"}
OFFICIAL = [
    door
    for door in DOORS
    if door.depends
    and not door.only_posts
    and door.name not in SHOW_GOALS
    and door.arguments[:1] == ("orchard",)
]


@pytest.mark.any_database
def test_every_other_page_of_the_score_is_the_same_to_the_byte(scored, dana, vera, casey):
    """Receipts, peers and exports are doors of the score as well: they come in here by themselves."""
    readers = []
    for person in (dana, vera, casey):
        readers.append(Client())
        readers[-1].force_login(person)

    def everything() -> list[str]:
        return [plain(body_of(each.get(door.address)), "orchard") for door in OFFICIAL for each in readers]

    everything()
    before, rng = everything(), random.Random(11)

    card = read.latest(scored)
    for node in ("overall", "technical-health", SIGNAL, "reviews.recency"):
        aim(scored, dana, node, rng.randint(0, 100))
    for reading in read.walk(card.overall):
        if reading.signal:
            spare(scored, dana, reading.node, rng.choice(["less", "not"]))

    assert len(OFFICIAL) >= 3
    assert everything() == before


def body_of(response) -> bytes:
    return b"".join(response.streaming_content) if response.streaming else response.content


# ---------- the weakest pillar ----------


def with_points(card, *points: int | None):
    """The same card with these points for its categories, and no subcategories."""
    band = card.scorecard.band
    children = tuple(
        replace(
            each,
            points=value,
            whole=None if value is None else round(value / 100),
            band=None if value is None else band(value),
            share=None if value is None else each.weight,
            children=(),
        )
        for each, value in zip(card.overall.children, points, strict=True)
    )
    return replace(card, overall=replace(card.overall, children=children))


@pytest.fixture
def card(orchard):
    score(orchard)
    return read.latest(orchard)


def test_weakest_category_says_what_it_takes_and_what_that_gives(card):
    found = weakest(with_points(card, 6720, 7440, 8530))

    assert found.category.reading.name == "Product Adoption"
    assert found.takes == (
        "It takes 2.8 points more to reach Watch at 70. That alone gives the overall score 1.4."
    )


def test_weakest_category_in_the_best_band_is_measured_at_the_next_one(card):
    found = weakest(with_points(card, 9500, 8440, 8530))

    assert found.takes.startswith("It takes 0.9 points more to stand level with Technical Health.")


@pytest.mark.parametrize(
    ("points", "says"),
    [
        ((7000, 7000, 7000), "All 3 categories stand at 70.0: none is weaker."),
        ((7000, 7000, 8000), "Product Adoption and Customer Expertise are level at 70.0, below the others."),
        ((None, None, None), "No category has a number yet, so none can be called the weakest."),
        ((7000, None, None), "Only Product Adoption has a number, so there is nothing to compare it with."),
        (
            (7000, None, 7000),
            "Both categories stand at 70.0: none is weaker. Customer Expertise has no number",
        ),
        ((6000, None, 7000), "Customer Expertise has no number and may be weaker."),
    ],
    ids=["equal", "two lowest", "unknown", "one known", "two equal", "one unknown"],
)
def test_weakest_pillar_has_words_for_every_case(card, points, says):
    found = weakest(with_points(card, *points))

    assert says in found.sentence
    assert (found.category is not None) == (says.startswith("Customer Expertise has no number"))


def test_weakest_category_and_subcategory_stand_on_the_overview_with_their_ways(dana_in, scored):
    section = re.search(
        r'aria-labelledby="wk".*?</section>', dana_in.get("/o/orchard/").content.decode(), re.S
    )

    links = re.findall(r'href="([^"#]+)', section.group())
    card = read.latest(scored)
    low = min(card.overall.children, key=lambda each: each.points)
    assert links[0] == f"/o/orchard/score/{low.node}/"
    assert {dana_in.get(link.replace("&amp;", "&")).status_code for link in links} == {200}


def test_signals_named_are_those_that_cost_the_category_most(card):
    """Worked out from the file: what a signal weighs in its category, times what it lacks to a hundred."""
    found = weakest(card)
    category = next(each for each in FILE["category"] if each["key"] == found.category.reading.node)
    subs = {each["key"]: each["weight"] for each in category["subcategory"]}
    costs = {}
    for sub, weight in subs.items():
        here = (category["key"], sub)
        mine = [each for each in FILE["signal"] if (each["category"], each["subcategory"]) == here]
        all_of_it = sum(each.get("weight", 1) for each in mine)
        for each in mine:
            part = weight / sum(subs.values()) * each.get("weight", 1) / all_of_it
            costs[each["name"]] = part * (100 - card.by_node[each["key"]].points / 100)

    dearest = sorted(costs.items(), key=lambda each: -each[1])[:2]

    assert [(name, float(cost)) for name, _, cost in found.signals] == [
        (name, pytest.approx(cost, abs=0.1)) for name, cost in dearest if cost >= 0.05
    ]
