"""The cards of the 48 signals: complete, each its own, and true of the scorecard they stand beside."""

import re
import tomllib
from collections import Counter
from itertools import combinations
from pathlib import Path

import pytest

from scoring import cards, engine
from scoring.cards import PARTS, CardsInvalid

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "scoring" / "scorecards" / "customer_success.toml"
FOLDER = FILE.parent / "cards"

# The scorecard as plain data, read without the engine: a second look at the same file.
RAW = tomllib.loads(FILE.read_text())
METRICS = {metric["key"]: metric for metric in RAW["metric"]}
SIGNALS = {signal["key"]: signal for signal in RAW["signal"] if not signal.get("preview")}

WORDS = {1: "last complete month", 3: "three", 12: "12 months"}
CADENCES = {
    "daily": r"\b(daily|each day|every day|each reported day)\b",
    "weekly": r"\b(weekly|every week|each week)\b",
    "monthly": r"\bmonthly\b",
}
MOST_SHARED = 0.15  # of the five-word runs of the shorter text; "the last complete month" alone makes some
OF_OTHERS = re.compile(
    r"salesforce|trailhead|trailblazer|einstein|apex\b|lightning|tableau|mulesoft|slack|data cloud|data 360"
    r"|microsoft|google|oracle|hubspot|zendesk|jira",
    re.IGNORECASE,
)


def texts() -> dict[str, str]:
    return {path.name: path.read_text() for path in FOLDER.glob("*.toml")}


def all_texts() -> dict[str, str]:
    """Every text of every card by its place."""
    return {
        f"{card.signal}.{name}": text
        for card in cards.shipped().values()
        for name, text in cards.texts_of(card)
    }


def grams(text: str, length: int = 5) -> set[tuple[str, ...]]:
    words = re.findall(r"[\w%.,-]*\w", text.casefold())
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


def sentences(text: str) -> list[str]:
    return [part.strip() for part in re.split(r"(?<=[.?!])\s+", text) if part.strip()]


def metrics_of(signal: dict) -> list[dict]:
    named = (signal.get(name) for name in ("numerator", "denominator", "metric"))
    return [METRICS[key] for key in named if key]


# ---------- complete ----------


def test_each_of_the_48_signals_has_its_twelve_parts():
    shipped = cards.shipped()

    assert len(PARTS) == 12
    assert len(shipped) == 48
    assert set(shipped) == set(SIGNALS)
    assert all(getattr(card.parts, part) for card in shipped.values() for part in PARTS)


def test_each_text_is_one_to_three_sentences():
    long = {place: text for place, text in all_texts().items() if not 1 <= len(sentences(text)) <= 3}
    endless = {place: len(text) for place, text in all_texts().items() if len(text) > 420}

    assert long == {}
    assert endless == {}


def test_each_card_stands_in_the_file_of_its_product():
    for path in FOLDER.glob("*.toml"):
        for key in tomllib.loads(path.read_text()):
            assert SIGNALS[key]["product"] == path.stem, key


def test_related_signals_lead_to_others():
    for card in cards.shipped().values():
        assert set(card.related) <= set(SIGNALS) - {card.signal}


# ---------- each its own ----------


def test_no_two_texts_are_alike():
    """No pair shares more than 15% of the five-word runs of its shorter text, one run aside."""
    runs = {place: found for place, text in all_texts().items() if (found := grams(text))}
    holders: dict[tuple[str, ...], list[str]] = {}
    for place, found in runs.items():
        for gram in found:
            holders.setdefault(gram, []).append(place)
    shared = Counter(pair for places in holders.values() for pair in combinations(sorted(places), 2))

    alike = {
        pair: share
        for pair, count in shared.items()
        if (share := count / min(len(runs[pair[0]]), len(runs[pair[1]]))) > MOST_SHARED and count > 1
    }
    assert alike == {}


def test_no_sentence_is_said_twice():
    said = Counter(
        re.sub(r"\W+", " ", sentence.casefold()).strip()
        for text in all_texts().values()
        for sentence in sentences(text)
    )

    assert {sentence: count for sentence, count in said.items() if count > 1} == {}


def test_cards_name_no_product_of_another_house():
    named = {place: found[0] for place, text in all_texts().items() if (found := OF_OTHERS.search(text))}

    assert named == {}


def test_cards_name_no_address():
    assert [place for place, text in all_texts().items() if re.search(r"https?:|www\.|\.com\b", text)] == []


# ---------- true of the scorecard ----------


@pytest.mark.parametrize("key", SIGNALS)
def test_measurement_names_metrics_cadence_and_window_of_the_scorecard(key):
    signal, text = SIGNALS[key], cards.shipped()[key].parts.measurement
    plain = text.casefold()

    for metric in metrics_of(signal):
        assert metric["name"].casefold() in plain, metric["name"]
        assert re.search(CADENCES[metric["cadence"]], plain), metric["cadence"]
    if signal["kind"] == "config":
        assert re.search(CADENCES["weekly"], plain)
    if months := signal.get("months"):
        assert WORDS[months] in plain or f"{months} months" in plain
    if days := window_of(signal):
        assert re.search(rf"\b{days}\b", text), days
    if signal["kind"] == "performance":
        assert "last complete month" in plain
        companion = METRICS[METRICS[signal["metric"]]["companion"]]
        assert companion["name"].casefold() in plain
    if signal["kind"] == "growth":
        base = {"avg12": "12 months", "yoy": "same month"}[signal["variant"]]
        assert base in plain
        assert "last complete month" in plain or METRICS[signal["metric"]]["nature"] == "stock"


def window_of(signal: dict) -> int | None:
    """Days that the measurement must name: the window, or the last edge of recency."""
    if signal.get("form") == "recency":
        return max(step["at_most"] for step in signal["steps"] if "at_most" in step)
    return signal.get("days")


def test_measurement_names_no_window_that_the_signal_does_not_have():
    """Any number of days or months in it is a parameter of the signal, or part of a metric's name."""
    for key, signal in SIGNALS.items():
        text = cards.shipped()[key].parts.measurement.casefold()
        for metric in metrics_of(signal):
            text = text.replace(metric["name"].casefold(), "")
        known = {window_of(signal), signal.get("months"), 12 if signal.get("variant") == "avg12" else None}
        known |= {20 if signal["kind"] == "error" else None}
        found = {int(number) for number in re.findall(r"(\d+)[ -](?:days?|months?)\b", text)}
        assert found <= known, (key, found - known)


@pytest.mark.parametrize("key", SIGNALS)
def test_formula_holds_the_parameters_of_the_signal(key):
    signal, text = SIGNALS[key], cards.shipped()[key].parts.formula
    numbers = [float(each.replace(",", "")) for each in re.findall(r"\d[\d,]*(?:\.\d+)?", text)]

    expected = EXPECTED[signal["kind"]](signal)
    assert set(expected) <= set(numbers), (expected, text)
    if signal.get("months", 1) > 1:
        assert signal["months"] in numbers
    if signal.get("inverse"):
        assert "1 −" in text


EXPECTED = {
    "ratio": lambda signal: [100] + ([signal["target"]] if "target" in signal else []),
    "growth": lambda signal: [50],
    "indicator": lambda signal: (
        [100, 0, *edges_in_digits(signal)] if signal["form"] != "ternary" else [50, 100]
    ),
    "error": lambda signal: (
        [100, signal["days"], signal["min_days"]]
        + ([100 * signal["tolerance"]] if signal["tolerance"] else [])
    ),
    "performance": lambda signal: (
        [signal["p10"], 90, signal["median"], 50]
        if signal["curve"] == "lognormal"
        else [100 * signal["good"], 100 * signal["poor"], 100, 0]
    ),
    "config": lambda signal: [100, 3, 2, 1, 0],
}


def edges_in_digits(signal: dict) -> list[float]:
    """What a formula must name of a binary or a recency signal."""
    if signal["form"] == "recency":
        return [edge for step in signal["steps"] for edge in [step.get("at_most")] if edge is not None]
    return [signal["days"]] if "days" in signal else []


def test_a_signal_of_another_version_is_told_apart():
    card = engine.parse(FILE.read_text())
    changed = engine.parse(FILE.read_text().replace("days = 14", "days = 21"))
    pairs = zip(card.signals, changed.signals, strict=True)

    told = [now.key for _, now in pairs if cards.of(now) and not cards.is_as_written(now)]
    assert told == ["field.optimizer_in_use"]


# ---------- what is refused ----------


def refused(name: str, old: str, new: str) -> str:
    """What is said about the shipped files after one change."""
    changed = texts()
    assert old in changed[name]
    changed[name] = changed[name].replace(old, new, 1)
    with pytest.raises(CardsInvalid) as error:
        cards.read(changed, engine.parse(FILE.read_text()))
    return str(error.value)


def test_missing_part_is_named():
    said = refused("sales.toml", "\ntips = ", "\n# tips = ")

    assert said == 'sales.toml "sales.license_activation".tips: is missing'


def test_empty_part_is_named():
    assert ".chart: must be a text, not ' '" in refused("field.toml", '\nchart = "', '\nchart = " " #')


def test_unknown_part_is_named():
    assert '"data.credit_consumption".hints: unknown part' in refused(
        "data.toml", "\nowner", '\nhints = "x"\nowner'
    )


def test_unknown_signal_and_signal_without_a_card_are_named():
    said = refused("commerce.toml", '["commerce.order_growth"]', '["commerce.order_grwth"]')

    assert "'commerce.order_grwth' is no scored signal of Customer Success Score" in said
    assert "commerce.order_growth: has no card" in said


def test_preview_signal_has_no_card_of_its_own_yet():
    assert cards.of(next(s for s in engine.parse(FILE.read_text()).signals if s.preview)) is None


def test_same_text_in_two_places_is_named_with_both():
    text = cards.shipped()["sales.license_activation"].parts.tips
    twin = cards.shipped()["field.license_activation"].parts.tips
    said = refused("field.toml", twin, text.upper().replace("  ", " "))

    assert "is word for word" in said
    assert "sales.license_activation.tips" in said
    assert "field.license_activation.tips" in said


def test_related_signal_that_is_not_there_is_named():
    said = refused("analytics.toml", '"analytics.dashboard_recency", "sales', '"analytics.nothing", "sales')

    assert "'analytics.nothing' is unknown" in said


def test_signal_written_about_in_two_files_is_named():
    changed = texts()
    changed["zz.toml"] = changed["analytics.toml"]
    with pytest.raises(CardsInvalid, match="is a card of it already"):
        cards.read(changed, engine.parse(FILE.read_text()))


def test_broken_file_is_named_with_its_line():
    assert "sales.toml: not TOML" in refused("sales.toml", "\nrelated = [", "\nrelated = [[")
