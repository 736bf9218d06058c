"""What the names in a receipt are called on its page: options of a kind, figures, days and months."""

from datetime import date
from typing import Any

from portal.templatetags.scores import NOTHING, day, month_of

NAMES = {
    "raw": "Points before they are held between 0 and 100",
    "days": "Days in the window",
    "min_days": "Days that must be known",
    "base_shift": "Seats changed markedly from",
    "per": "Per",
    "at_least": "at least",
    "at_most": "at most",
    "more_than": "more than",
    "less_than": "less than",
    "else": "everything else",
    "settings": "Setting",
    "deductions": "Deduction",
    "steps": "Step",
}
# The same two figures are called differently where they are compared in time.
IN_TIME = {"numerator": "Newest", "denominator": "Base before it"}

VALUES = {
    "avg12": "against the mean of the 12 months before",
    "yoy": "against the same month a year before",
    "quarter": "against the mean of the four quarters before",
    "lognormal": "log-normal: 90 points at low, 50 at high",
}


def words(name: str, kind: str = "") -> str:
    """A name of the document, readable."""
    if kind == "growth" and name in IN_TIME:
        return IN_TIME[name]
    return NAMES.get(name, name.replace("_", " ").capitalize())


def rules(document: dict[str, Any]) -> list[tuple[str, str]]:
    """The options of the signal's kind, a line each or one for each of a list; what is off is left out."""
    metrics = {key: told["name"] for key, told in document["metrics"].items()}
    options = document["root"].get("parameters", {})
    lines: list[tuple[str, str]] = []
    for name, value in options.items():
        if name == "base_shift" and not options.get("per"):
            continue  # it is about seats, which this one is not counted by
        if isinstance(value, list):
            lines += [
                (f"{words(name)} {at}", _entry(each, metrics)) for at, each in enumerate(value, start=1)
            ]
        elif value is not None and value is not False:
            lines.append(
                (words(name), "yes" if value is True else metrics.get(value, VALUES.get(value, str(value))))
            )
    return lines


def _entry(told: dict[str, Any], metrics: dict[str, str]) -> str:
    if "compare" in told:
        edge = "" if told["compare"] == "else" else f" {told['edge']}"
        return f"{words(told['compare'])}{edge}: {told['points']} points"
    parts = [metrics.get(told["metric"], told["metric"])]
    parts += [
        name.replace("_", " ") if value is True else f"{name.replace('_', ' ')} {value}"
        for name, value in told.items()
        if name != "metric" and value not in (None, False, "")
    ]
    return ", ".join(parts)


def figure(name: str, value: str | None) -> str:
    """A figure of the receipt: days and months in words, numbers as the document has them."""
    if value is None:
        return NOTHING
    if name == "month":
        year, _, month = value.partition("-")
        return month_of(int(year) * 12 + int(month) - 1)
    return day(date.fromisoformat(value)) if name.startswith("window_") else value
