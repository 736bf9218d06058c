"""The plays we ship: every signal reached, no text twice; and files of plays that cannot be used."""

import re
import tomllib
from pathlib import Path

import pytest

from accounts.models import Plan
from recommendations import plays
from recommendations.plays import Horizon, PlaybookInvalid, Standing, reading, shows_after
from scoring import cards, engine

SCORECARD = Path(__file__).resolve().parents[2] / "scoring" / "scorecards" / "customer_success.toml"
CARD = engine.parse(SCORECARD.read_text())
SIGNALS = {signal.key: signal for signal in CARD.signals if not signal.preview}
TEXTS = plays.shipped_texts()
BOOK = plays.read(TEXTS, CARD)
OF_OTHERS = re.compile(
    r"salesforce|trailhead|trailblazer|einstein|\bapex\b|lightning|tableau|mulesoft|\bslack\b|data cloud"
    r"|microsoft|google|oracle|hubspot|zendesk|\bjira\b|\brangers?\b",
    re.IGNORECASE,
)


def texts_of(play: plays.Play) -> list[tuple[str, str]]:
    """Every text that people read of a play, by its field."""
    found = [(name, getattr(play, name)) for name in ("title", "why", "first_step", "evidence", "cost_note")]
    found += [("steps", step) for step in play.steps]
    found += [("links", link.title) for link in play.links]
    return [(name, text) for name, text in found if text]


def sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.?!])\s+", text) if part.strip()]


def bare(sentence: str) -> str:
    return " ".join(re.findall(r"\w+", sentence.casefold()))


# ---------- reach ----------


def test_there_are_64_plays_or_more_and_each_of_the_48_signals_is_moved():
    assert len(BOOK.plays) >= 64
    assert len(SIGNALS) == 48
    assert set(BOOK.by_signal) == set(SIGNALS)


def test_every_score_below_the_threshold_of_a_signal_has_a_play_that_lifts_it():
    for key in SIGNALS:
        found = BOOK.for_signal(key)
        threshold = max(play.trigger.below for play in found)

        for points in range(int(threshold)):
            fired = [play for play in found if points < play.trigger.below]

            assert fired, (key, points)
            assert all((play.target_above(points) or 0) > points for play in fired), (key, points)


def test_the_targets_of_a_play_are_points_that_its_signal_can_have():
    for play in BOOK.plays:
        signal = SIGNALS[play.signal]
        if signal.kind == "indicator":
            heights = {step.points for step in signal.options.steps}
            assert set(play.targets) <= heights - {0}, play.key
        else:
            assert len(play.targets) == 1, play.key
            assert play.targets[0] > play.trigger.below, play.key


def test_growth_is_asked_for_only_below_a_steady_50():
    growing = [play for play in BOOK.plays if SIGNALS[play.signal].kind == "growth"]

    assert len({play.signal for play in growing}) == 7
    assert all(
        play.trigger.below <= 50 for play in growing
    )  # a steady organization reads 50: nothing is wrong


def test_what_comes_first_moves_something_and_is_no_larger_than_what_follows():
    for play in BOOK.plays:
        for key in play.prerequisites:
            first = BOOK.by_key[key]

            assert first.target_above(0) is not None
            assert first.effort_days <= play.effort_days or first.signal != play.signal, (key, play.key)


def test_nobody_is_sent_to_a_product_they_may_not_own_first():
    for play in BOOK.plays:
        own = SIGNALS[play.signal].product
        for key in play.prerequisites:
            assert SIGNALS[BOOK.by_key[key].signal].product in (own, "platform"), play.key


def test_effort_and_horizon_of_a_play_fit_its_signal():
    for play in BOOK.plays:
        assert 0.5 <= play.effort_days <= 40, play.key
        assert 2 <= len(play.steps) <= 5, play.key
        assert play.horizon.days >= shows_after(SIGNALS[play.signal], CARD), play.key
        assert play.effort_days / 5 * 7 <= play.horizon.days, play.key  # five days of work take a week


def test_dear_signals_have_a_quick_win_beside_the_larger_project():
    """Alone in a small group a signal weighs much: those of two in a subcategory of Technical Health."""
    for key in (
        "platform.custom_code_review",
        "platform.supported_api_versions",
        "platform.security_baseline",
    ):
        efforts = sorted(play.effort_days for play in BOOK.for_signal(key))

        assert len(efforts) >= 2
        assert efforts[0] <= 3 < efforts[-1]


def test_there_is_advice_for_this_month_for_this_quarter_and_for_longer():
    for category in CARD.categories:
        horizons = {p.horizon for p in BOOK.plays if SIGNALS[p.signal].category == category.key}

        assert {Horizon.SHORT, Horizon.MEDIUM} <= horizons, category.key
    assert any(play.horizon == Horizon.LONG for play in BOOK.plays)


# ---------- words ----------


def test_no_two_texts_share_a_sentence_with_each_other_or_with_a_card():
    first: dict[str, str] = {}
    for card in cards.shipped().values():
        for name, text in cards.texts_of(card):
            for sentence in sentences(text):
                first.setdefault(bare(sentence), f"{card.signal}.{name}")
    twice = []
    for play in BOOK.plays:
        for name, text in texts_of(play):
            for sentence in sentences(text):
                place = f"{play.key}.{name}"
                if bare(sentence) in first:
                    twice.append((first[bare(sentence)], place, sentence))
                first.setdefault(bare(sentence), place)

    assert twice == []


def test_no_text_names_another_companys_product_or_a_name_that_was_never_filled_in():
    for play in BOOK.plays:
        for name, text in texts_of(play):
            assert not OF_OTHERS.search(text), (play.key, name)
            assert not reading.UNRESOLVED.search(text), (play.key, name)


def test_titles_tell_what_to_do_and_texts_are_short():
    for play in BOOK.plays:
        assert len(play.title) <= 70
        assert not play.title.endswith(".")
        assert re.match(r"[A-Z][a-z]+ ", play.title)
        assert all(len(sentences(text)) <= 3 for _, text in texts_of(play)), play.key


def test_whatever_costs_money_says_so():
    costing = [play for play in BOOK.plays if play.costs_money]

    assert costing
    assert all(play.cost_note for play in costing)
    assert not any(play.cost_note for play in BOOK.plays if not play.costs_money)


def test_the_plans_that_include_coaching_are_the_plans_there_are():
    assert set(reading.PLANS) == set(Plan.values)


# ---------- a playbook as text and back ----------


def test_a_playbook_written_down_reads_the_same():
    again = plays.parse(plays.write(BOOK))

    assert again == BOOK
    assert plays.write(again) == plays.write(BOOK)


def test_a_step_is_the_next_one_above_now():
    play = BOOK.by_key["platform-book-coaching"]

    assert [play.target_above(points) for points in (0, 50, 99.9)] == [50, 100, 100]
    assert play.target_above(100) is None


# ---------- files that cannot be used ----------

HEAD = "[playbook]\nbelow = 75\nfalling = 5\ncloses = 3\npeer_gap = 15\n"
GOOD = """
[[play]]
key = "first"
title = "Do the first thing"
signal = "sales.license_activation"
target = 85
why = "Because."
first_step = "Begin."
steps = ["One.", "Two."]
evidence = "It shows."
effort_days = 3
horizon = "short"
scope = "process"
owner_hint = "team lead"
links = [{ kind = "coaching", title = "Ask", minutes = 30, path = "coaching/ask", included_in = ["premier"] }]
"""
COACHING = GOOD.partition("links = ")[2].strip()


def problems_of(text: str, head: str = HEAD) -> dict[str, str]:
    with pytest.raises(PlaybookInvalid) as caught:
        plays.read({"playbook.toml": head, "a.toml": text}, CARD)
    return dict(caught.value.problems)


def test_the_file_that_the_others_spoil_is_good():
    book = plays.read({"playbook.toml": HEAD, "a.toml": GOOD}, CARD)

    assert [play.key for play in book.plays] == ["first"]
    assert book.plays[0].trigger.below == 75
    assert book.plays[0].prior.mean == 0.5
    assert book.plays[0].standing == Standing.FREE


@pytest.mark.parametrize(
    ("was", "is_now", "field", "said"),
    [
        ('key = "first"', 'key = "First!"', "key", "'First!'"),
        ('title = "Do the first thing"', "", "title", "is missing"),
        ('title = "Do the first thing"', f'title = "{"Do " * 30}"', "title", "70 characters"),
        ('title = "Do the first thing"', 'title = "Do {what}"', "title", "never filled in"),
        ('why = "Because."', 'why = ""', "why", "must be a text, not ''"),
        ('why = "Because."', f'why = "{"Because. " * 60}"', "why", "400 characters"),
        ('"sales.license_activation"', '"sales.nothing"', "signal", "'sales.nothing' is no signal"),
        ("target = 85", "target = 101", "target", "at most 100, not 101"),
        ("target = 85", "target = 0", "target", "greater than 0, not 0"),
        ("target = 85", "target = 75", "target", "above the trigger of 75, not 75"),
        ("target = 85", "target = 85\ntarget_steps = [90]", "target", "either target or target_steps"),
        ("target = 85", "target_steps = [90, 80]", "target_steps", "[90, 80]"),
        ("target = 85", "target_steps = []", "target_steps", "must rise"),
        ("target = 85", "target_steps = 90", "target_steps", "must be a list, not 90"),
        ("target = 85", "target = 85\nbelow = 0", "below", "greater than 0, not 0"),
        ("target = 85", "target = 85\nfalling = -5", "falling", "greater than 0, not -5"),
        ("target = 85", "target = 85\ncloses = 2.5", "closes", "whole number, not 2.5"),
        ("target = 85", "target = 85\npeer_gap = 'far'", "peer_gap", "finite number, not 'far'"),
        ('["One.", "Two."]', '["One."]', "steps", "2 to 5 texts, not 1"),
        ('["One.", "Two."]', '["One.", 2]', "steps[2]", "must be a text, not 2"),
        ("effort_days = 3", "effort_days = 0.25", "effort_days", "at least 0.5, not 0.25"),
        ("effort_days = 3", "effort_days = 41", "effort_days", "at most 40, not 41"),
        ("effort_days = 3", "effort_days = nan", "effort_days", "finite number, not nan"),
        ("effort_days = 3", "effort_days = 30", "horizon", "too soon for 30 days of work"),
        ('horizon = "short"', 'horizon = "soon"', "horizon", "short, medium, long, not 'soon'"),
        (
            "sales.license_activation",
            "platform.learning_badges_per_user",
            "horizon",
            "shows the whole effect after 367",
        ),
        ('scope = "process"', 'scope = "magic"', "scope", "not 'magic'"),
        ('owner_hint = "team lead"', "", "owner_hint", "is missing"),
        (
            'owner_hint = "team lead"',
            'owner_hint = "a"\nprerequisites = ["none"]',
            "prerequisites",
            "no play",
        ),
        (
            'owner_hint = "team lead"',
            'owner_hint = "a"\nprerequisites = ["first"]',
            "prerequisites",
            "circle",
        ),
        ('owner_hint = "team lead"', 'owner_hint = "a"\nprerequisites = [1]', "prerequisites", "not 1"),
        ('owner_hint = "team lead"', 'owner_hint = "a"\ncosts_money = true', "cost_note", "is missing"),
        ('owner_hint = "team lead"', 'owner_hint = "a"\ncost_note = "Much."', "cost_note", "is not true"),
        (
            'owner_hint = "team lead"',
            'owner_hint = "a"\ncosts_money = 1',
            "costs_money",
            "true or false, not 1",
        ),
        ('owner_hint = "team lead"', 'owner_hint = "a"\nprior = 0.5', "prior", "alpha and beta, not 0.5"),
        (
            'owner_hint = "team lead"',
            'owner_hint = "a"\nprior = {alpha = 0, beta = 2}',
            "prior.alpha",
            "not 0",
        ),
        ('owner_hint = "team lead"', 'owner_hint = "a"\nprior = {alpha = 2}', "prior.beta", "is missing"),
        ('owner_hint = "team lead"', 'owner_hint = "a"\nimpact = 3', "impact", "unknown key"),
        # What only a published version knows is not for files.
        ('owner_hint = "team lead"', 'owner_hint = "a"\nstanding = "pinned"', "standing", "unknown key"),
        (COACHING, f"[{', '.join([COACHING[1:-1]] * 5)}]", "links", "4 links, not 5"),
        (COACHING, '"here"', "links", "must be a list of tables, not 'here'"),
        ('kind = "coaching"', 'kind = "film"', 'links[1] "Ask".kind', "not 'film'"),
        ("minutes = 30", "minutes = 0", 'links[1] "Ask".minutes', "at least 1, not 0"),
        (
            '"coaching/ask"',
            '"https://elsewhere.example"',
            'links[1] "Ask".path',
            "'https://elsewhere.example'",
        ),
        ('"coaching/ask"', '"../admin"', 'links[1] "Ask".path', "'../admin'"),
        ('"coaching/ask"', '"/coaching"', 'links[1] "Ask".path', "'/coaching'"),
        ('["premier"]', '["gold"]', 'links[1] "Ask".included_in', "not 'gold'"),
        ('["premier"]', '["premier", "premier"]', 'links[1] "Ask".included_in', "there twice"),
        ('kind = "coaching"', 'kind = "article"', 'links[1] "Ask".included_in', "not with 'article'"),
        ("minutes = 30", "minutes = 30, modules = 2", 'links[1] "Ask".modules', "not with 'coaching'"),
    ],
)
def test_a_bad_field_is_named_with_its_file_its_play_and_its_value(was, is_now, field, said):
    assert was in GOOD

    found = problems_of(GOOD.replace(was, is_now))

    place = next(path for path in found if path.startswith("a.toml.play[1]") and path.endswith(f".{field}"))
    assert said in found[place]


def test_a_key_that_two_plays_have_is_named():
    assert "'first' is there twice" in problems_of(GOOD + GOOD)['a.toml.play[2] "first".key']


def test_a_circle_of_two_plays_is_told_as_the_way_round():
    one = GOOD.replace('scope = "process"', 'scope = "process"\nprerequisites = ["second"]')
    two = GOOD.replace('"first"', '"second"').replace("process", "training")
    two = two.replace('scope = "training"', 'scope = "training"\nprerequisites = ["first"]')

    said = problems_of(one + two)['a.toml.play[1] "first".prerequisites']

    assert "first → second → first" in said


def test_a_file_that_is_no_toml_is_named():
    assert "not TOML" in problems_of("[[play]")["a.toml"]


def test_what_is_not_a_play_is_named():
    assert problems_of(GOOD + "\n[plays]\n")["a.toml.plays"] == "unknown key"


@pytest.mark.parametrize("name", ["below", "falling", "closes", "peer_gap"])
def test_a_head_without_one_of_its_numbers_is_refused(name):
    head = "".join(line for line in HEAD.splitlines(keepends=True) if not line.startswith(name))

    assert problems_of(GOOD, head)[f"playbook.toml playbook.{name}"] == "is missing"


def test_plays_without_a_head_are_refused():
    with pytest.raises(PlaybookInvalid, match=r"playbook.toml: is missing"):
        plays.read({"a.toml": GOOD}, CARD)


def test_every_file_we_ship_holds_plays_of_the_products_it_is_named_after():
    held = {name: tomllib.loads(text).get("play", []) for name, text in TEXTS.items()}
    names = {"expertise": "platform", "technical": "platform"}

    for name, tables in held.items():
        stem = name.removesuffix(".toml")
        if stem == "playbook":
            continue
        products = {SIGNALS[table["signal"]].product for table in tables}
        assert products == {names.get(stem, stem)}, name
