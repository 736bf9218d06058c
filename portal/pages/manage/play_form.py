"""The form of one play: every field as text, checked where files are checked, refused at its field."""

from collections.abc import Mapping
from typing import Any

from django import forms

from portal.pages.strict import Strict
from recommendations.plays import (
    Horizon,
    LinkKind,
    Play,
    PlaybookInvalid,
    Scope,
    table_of,
)

HORIZONS = {
    Horizon.SHORT: "Short term, up to 30 days",
    Horizon.MEDIUM: "Medium term, up to 90 days",
    Horizon.LONG: "Long term",
}
LINK = (
    "kind | title | minutes | path below the help site | modules of a trail, or plans that include coaching"
)

# By field of a play, as messages and the history name it: what it is called on screen.
CALLED = {
    "title": "What to do",
    "signal": "Signal",
    "target": "Target points",
    "target_steps": "Target points",
    "why": "Why",
    "first_step": "First step",
    "steps": "Steps",
    "evidence": "What will show that it worked",
    "effort_days": "Days of work",
    "horizon": "Horizon",
    "scope": "Kind of work",
    "owner_hint": "Usually done by",
    "prerequisites": "Comes after",
    "links": "Links",
    "costs_money": "Costs money",
    "cost_note": "What costs",
    "below": "Fires below",
    "falling": "Fires when it fell by",
    "closes": "Over so many month ends",
    "peer_gap": "Fires behind peers by",
    "prior": "Belief in success at first",
    "standing": "Order of an expert",
}


def line(label: str, *, required: bool = True, **more: Any) -> forms.CharField:
    """One that is not optional says by its name what is missing."""
    missing = {"required": f"Enter this: {label[0].lower()}{label[1:]}."}
    return forms.CharField(label=label, required=required, error_messages=missing, **more)


def lines(label: str, rows: int, **more: Any) -> forms.CharField:
    return line(label, widget=forms.Textarea(attrs={"rows": rows}), **more)


class PlayForm(Strict):
    """One play; what is wrong with it is found by the playbook, so that files and this page agree."""

    title = line(CALLED["title"], help_text="An order, at most 70 characters.")
    signal = forms.ChoiceField(label=CALLED["signal"])
    targets = line(
        CALLED["target"],
        help_text="What the signal is to reach. Several with a comma: the next one above now is meant.",
    )
    why = lines(CALLED["why"], 3)
    first_step = lines(CALLED["first_step"], 2)
    steps = lines(CALLED["steps"], 5, help_text="Two to five, one a line.")
    evidence = lines(CALLED["evidence"], 2, help_text="Which number, and by when.")
    effort_days = line(CALLED["effort_days"], help_text="0.5 to 40.")
    horizon = forms.ChoiceField(
        label=CALLED["horizon"],
        choices=[(key.value, text) for key, text in HORIZONS.items()],
        help_text="By when the signal can show it.",
    )
    scope = forms.ChoiceField(
        label=CALLED["scope"], choices=[(each.value, each.value.capitalize()) for each in Scope]
    )
    owner_hint = line(CALLED["owner_hint"])
    prerequisites = lines(
        CALLED["prerequisites"], 2, required=False, help_text="Keys of other plays, one a line."
    )
    links = lines(CALLED["links"], 4, required=False, help_text=f"One a line: {LINK}.")
    costs_money = forms.BooleanField(label=CALLED["costs_money"], required=False)
    cost_note = line(
        CALLED["cost_note"],
        required=False,
        help_text="Needed if it costs money: customers see it as a label.",
    )
    below = line(CALLED["below"], help_text="Points of the signal.")
    falling = line(CALLED["falling"], help_text="Points lost.")
    closes = line(CALLED["closes"])
    peer_gap = line(CALLED["peer_gap"], help_text="Points behind the median of the peer group.")
    prior_alpha = line(
        "Successes believed in", help_text="Before anybody did it, with the failures beside it."
    )
    prior_beta = line("Failures believed in")
    reason = forms.CharField(
        label="Why you change it",
        max_length=300,
        help_text="Everybody who reads the play sees it.",
        error_messages={"required": "Say why: everybody who reads the play sees it."},
    )
    seen = forms.IntegerField(widget=forms.HiddenInput)

    def __init__(self, data: Any, signals: Mapping[str, str], **more: Any) -> None:
        super().__init__(data, **more)
        field: Any = self.fields["signal"]
        field.choices = list(signals.items())
        for name in ("signal", "horizon", "scope"):
            self.fields[name].error_messages["invalid_choice"] = "“%(value)s” is not in the list."

    @property
    def given(self) -> dict[str, Any]:
        """What was typed, as the table of a file; what is no number stays text and is refused as such."""
        data = self.cleaned_data
        plain = ("title", "signal", "why", "first_step", "evidence", "horizon", "scope", "owner_hint")
        table: dict[str, Any] = {name: data[name] for name in plain}
        table |= {
            name: number(data[name]) for name in ("effort_days", "below", "falling", "closes", "peer_gap")
        }
        targets = [number(each) for each in data["targets"].split(",") if each.strip()]
        table |= {"target": targets[0]} if len(targets) == 1 else {"target_steps": targets}
        table["steps"] = rows_of(data["steps"])
        table["prerequisites"] = rows_of(data["prerequisites"])
        table["links"] = [link_of(row) for row in rows_of(data["links"])]
        table["prior"] = {"alpha": number(data["prior_alpha"]), "beta": number(data["prior_beta"])}
        table["costs_money"] = data["costs_money"]
        if data["costs_money"]:
            table["cost_note"] = data["cost_note"]
        return table

    def refuse(self, invalid: PlaybookInvalid, key: str) -> None:
        """Put each problem at the field it is about, and what is about none of them above the form."""
        for path, message in invalid.problems:
            name, more = place(path.removeprefix(f'play "{key}".'))
            if name in self.fields:
                self.add_error(name, f"{more}{message}.")
            else:
                self.add_error(None, f"{path}: {message}.")


def first_of(play: Play, seen: int) -> dict[str, Any]:
    """What stands in the fields at first."""
    table = table_of(play)
    return {
        **{name: table[name] for name in table if name in PlayForm.base_fields},
        "targets": ", ".join(shown(each) for each in play.targets),
        "effort_days": shown(play.effort_days),
        "below": shown(play.trigger.below),
        "falling": shown(play.trigger.falling),
        "closes": str(play.trigger.closes),
        "peer_gap": shown(play.trigger.peer_gap),
        "prior_alpha": shown(play.prior.alpha),
        "prior_beta": shown(play.prior.beta),
        "steps": "\n".join(play.steps),
        "prerequisites": "\n".join(play.prerequisites),
        "links": "\n".join(link_line(link) for link in table["links"]),
        "seen": seen,
    }


def shown(value: float) -> str:
    return f"{value:g}"


def number(text: str) -> float | int | str:
    """The number that was typed; the text itself if it is none."""
    try:
        value = float(text)
    except ValueError:
        return text
    return int(value) if value.is_integer() else value


def rows_of(text: str) -> list[str]:
    return [row.strip() for row in text.splitlines() if row.strip()]


def link_line(link: Mapping[str, Any]) -> str:
    parts = [link["kind"], link["title"], str(link["minutes"]), link["path"]]
    if link.get("modules"):
        parts.append(str(link["modules"]))
    if link["included_in"]:
        parts.append(", ".join(link["included_in"]))
    return " | ".join(parts)


def link_of(row: str) -> dict[str, Any]:
    """The table of a link; with too few parts it lacks a field, with too many it has an unknown one."""
    parts = [part.strip() for part in row.split("|")]
    table: dict[str, Any] = dict(zip(("kind", "title", "minutes", "path"), parts, strict=False))
    if "minutes" in table:
        table["minutes"] = number(table["minutes"])
    if len(parts) > 4:
        if table["kind"] == LinkKind.TRAIL:
            table["modules"] = number(parts[4])
        else:
            table["included_in"] = [each.strip() for each in parts[4].split(",")]
    if len(parts) > 5:
        table["more"] = " | ".join(parts[5:])
    return table


def place(path: str) -> tuple[str, str]:
    """The field of the form that a path of the playbook is about, and where in it."""
    name, _, inner = path.partition(".")
    if name == "prior":
        return f"prior_{inner}", ""
    stem, bracket, rest = name.partition("[")
    if stem in ("target", "target_steps"):
        return "targets", ""
    where = f"{rest.partition(']')[0]}. " if bracket else ""
    inside = f"{inner}: " if inner else ""
    return stem, f"{where}{inside}"
