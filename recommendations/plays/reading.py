"""Files of plays in, a checked playbook out: every problem with its file, play, field and value."""

import hashlib
import json
import re
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from recommendations.plays.values import (
    Horizon,
    Link,
    LinkKind,
    Play,
    Playbook,
    PlaybookInvalid,
    Prior,
    Scope,
    Standing,
    Trigger,
)
from scoring.engine import Nature, Scorecard, Signal
from scoring.engine.options import ErrorOptions, GrowthOptions, PerformanceOptions, RatioOptions
from scoring.engine.reader import Section, unique

FILES = Path(__file__).resolve().parent
HEAD = "playbook.toml"

LONGEST_KEY = 80
LONGEST_TITLE = 70
LONGEST_TEXT = 400
STEPS = (2, 5)
EFFORT = (0.5, 40.0)  # days of work
MOST_LINKS = 4
MOST_MINUTES = 600
PLANS = ("standard", "premier", "signature")  # accounts.models.Plan; a test holds the two together

WORDS = re.compile(r"[a-z0-9]+(?:-[a-z0-9]+)*")
PATH = re.compile(rf"{WORDS.pattern}(?:/{WORDS.pattern})*")  # below a vendor's help site: no scheme, no host
# A name that was to be filled in, or a note of the writer to himself.
UNRESOLVED = re.compile(r"[{}]|\$\w|%\(|%s|<[a-z]|\b(?:TODO|TBD|XXX|FIXME)\b")

MONTH = 30
WORKING = 7 / 5  # days of the calendar in a day of work


def shipped_texts() -> Mapping[str, str]:
    """The files we ship, by name."""
    return {path.name: path.read_text(encoding="utf-8") for path in sorted(FILES.glob("*.toml"))}


def read(texts: Mapping[str, str], scorecard: Scorecard) -> Playbook:
    """The playbook of these files, by name: one head, and plays in the order of the files.

    raises  PlaybookInvalid naming file, play, field and value of everything that is wrong
    """
    problems: list[tuple[str, str]] = []
    if HEAD not in texts:
        raise PlaybookInvalid([(HEAD, "is missing: it holds what all plays have in common")])
    tables = {name: _tables(name, text, problems) for name, text in texts.items()}
    head = common(Section(tables.pop(HEAD), HEAD, problems))
    if problems:
        raise PlaybookInvalid(problems)
    sections: list[Section] = []
    for name, table in tables.items():
        file = Section(table, name, problems)
        sections += file.sections("play")
        file.finish()
    unique(sections)
    plays = [one_play(section, head, shipped=True) for section in sections]
    if not problems:
        problems += faults(plays, {play.key: s.path for play, s in zip(plays, sections, strict=True)})
        for play, section in zip(plays, sections, strict=True):
            problems += misfits(play, section.path, scorecard)
    if problems:
        raise PlaybookInvalid(problems)
    return Playbook(head, tuple(plays))


def digest_of(texts: Mapping[str, str]) -> str:
    """The same for the same files."""
    whole = json.dumps(dict(sorted(texts.items())), ensure_ascii=False)
    return hashlib.sha256(whole.encode()).hexdigest()


def _tables(name: str, text: str, problems: list[tuple[str, str]]) -> dict[str, Any]:
    try:
        return tomllib.loads(text)
    except ValueError as error:  # TOMLDecodeError is one; a number of thousands of digits another
        problems.append((name, f"not TOML: {error}"))
        return {}


def common(file: Section) -> Trigger:
    file.skip("playbook")
    table = file.table.get("playbook", {})
    if not isinstance(table, dict):
        file.problem("playbook", f"must be a table, not {table!r}")
        table = {}
    section = Section(table, f"{file.path} playbook", file.problems)
    trigger = _trigger(section, None)
    section.finish()
    file.finish()
    return trigger


def _trigger(section: Section, head: Trigger | None) -> Trigger:
    ours = asdict(head) if head else {}
    return Trigger(
        below=section.number("below", ours.get("below"), more_than=0, at_most=100),
        falling=section.number("falling", ours.get("falling"), more_than=0, at_most=100),
        closes=section.whole("closes", ours.get("closes"), at_least=1, at_most=12),
        peer_gap=section.number("peer_gap", ours.get("peer_gap"), more_than=0, at_most=100),
    )


def one_play(section: Section, head: Trigger, *, shipped: bool) -> Play:
    play = Play(
        key=_key(section),
        title=_text(section, "title", LONGEST_TITLE),
        signal=section.text("signal"),
        targets=_targets(section),
        trigger=_trigger(section, head),
        why=_text(section, "why"),
        first_step=_text(section, "first_step"),
        steps=_texts(section, "steps", *STEPS),
        evidence=_text(section, "evidence"),
        effort_days=section.number("effort_days", at_least=EFFORT[0], at_most=EFFORT[1]),
        horizon=section.choice("horizon", Horizon),
        scope=section.choice("scope", Scope),
        owner_hint=_text(section, "owner_hint", 60),
        prerequisites=_names(section, "prerequisites"),
        links=_links(section),
        costs_money=section.flag("costs_money"),
        cost_note=_cost_note(section),
        prior=_prior(section),
        standing=Standing.FREE if shipped else Standing(section.one_of("standing", list(Standing), "")),
        by_hand=False if shipped else section.flag("by_hand"),
    )
    section.finish()
    return play


def _key(section: Section) -> str:
    """It stands in addresses, and recommendations keep it."""
    key = section.text("key")
    if key and not (WORDS.fullmatch(key) and len(key) <= LONGEST_KEY):
        section.problem(
            "key",
            f"must be words of lower-case letters and digits joined by -, at most {LONGEST_KEY}, not {key!r}",
        )
    return key


def _text(section: Section, name: str, longest: int = LONGEST_TEXT) -> str:
    text = " ".join(section.text(name).split())
    if len(text) > longest:
        section.problem(name, f"may hold {longest} characters, not {len(text)}: {text!r}")
    if found := UNRESOLVED.search(text):
        section.problem(name, f"holds {found.group()!r}, a name that was never filled in: {text!r}")
    return text


def _list(section: Section, name: str) -> list[Any]:
    section.skip(name)
    value = section.table.get(name, [])
    if isinstance(value, list):
        return value
    section.problem(name, f"must be a list, not {value!r}")
    return []


def _texts(section: Section, name: str, fewest: int, most: int) -> tuple[str, ...]:
    values = _list(section, name)
    if isinstance(section.table.get(name, []), list) and not fewest <= len(values) <= most:
        section.problem(name, f"must hold {fewest} to {most} texts, not {len(values)}")
    numbered = Section(
        {f"{name}[{place}]": value for place, value in enumerate(values, start=1)},
        section.path,
        section.problems,
    )
    return tuple(_text(numbered, each) for each in numbered.table)


def _names(section: Section, name: str, allowed: Iterable[str] | None = None) -> tuple[str, ...]:
    values = _list(section, name)
    choices = None if allowed is None else list(allowed)
    for place, value in enumerate(values):
        if not isinstance(value, str):
            section.problem(name, f"must hold texts, not {value!r}")
        elif value in values[:place]:
            section.problem(name, f"{value!r} is there twice")
        elif choices is not None and value not in choices:
            section.problem(name, f"must be of {', '.join(choices)}, not {value!r}")
    return tuple(str(value) for value in values)


def _targets(section: Section) -> tuple[float, ...]:
    """One fixed target, or steps of which the next above now is meant."""
    if not section.has("target_steps"):
        return (section.number("target", more_than=0, at_most=100),)
    section.skip("target")
    if section.has("target"):
        section.problem("target", "give either target or target_steps, not both")
    values = _list(section, "target_steps")
    numbered = Section(
        {f"target_steps[{place}]": value for place, value in enumerate(values, start=1)},
        section.path,
        section.problems,
    )
    steps = tuple(numbered.number(name, more_than=0, at_most=100) for name in numbered.table)
    if isinstance(section.table["target_steps"], list) and (not steps or list(steps) != sorted(set(steps))):
        section.problem("target_steps", f"must rise from each to the next, not {values!r}")
    return steps


def _links(section: Section) -> tuple[Link, ...]:
    entries = section.sections("links", "title")
    if len(entries) > MOST_LINKS:
        section.problem("links", f"may hold {MOST_LINKS} links, not {len(entries)}")
    return tuple(_link(entry) for entry in entries)


def _link(entry: Section) -> Link:
    kind = entry.choice("kind", LinkKind)
    path = entry.text("path")
    if path and not PATH.fullmatch(path):
        entry.problem("path", f"must be words in lower case below the help site, not {path!r}")
    link = Link(
        kind=kind,
        title=_text(entry, "title", 90),
        minutes=entry.whole("minutes", at_least=1, at_most=MOST_MINUTES),
        path=path,
        modules=entry.whole("modules", 0, at_least=0, at_most=30),
        included_in=_names(entry, "included_in", PLANS),
    )
    if (kind == LinkKind.TRAIL) != (link.modules > 0):
        entry.problem("modules", f"goes with a trail, and a trail with it, not with {kind.value!r}")
    if kind != LinkKind.COACHING and link.included_in:
        entry.problem("included_in", f"goes with coaching alone, not with {kind.value!r}")
    entry.finish()
    return link


def _cost_note(section: Section) -> str:
    """What costs, where something does: a commercial suggestion never comes unlabelled."""
    costs, note = section.table.get("costs_money") is True, section.has("cost_note")
    if costs and not note:
        section.problem("cost_note", "is missing, though costs_money is true")
    if note and not costs:
        section.problem("cost_note", "is there, though costs_money is not true")
    return _text(section, "cost_note") if note else ""


def _prior(section: Section) -> Prior:
    section.skip("prior")
    if not section.has("prior"):
        return Prior()
    table = section.table["prior"]
    if not isinstance(table, dict):
        section.problem("prior", f"must be a table of alpha and beta, not {table!r}")
        return Prior()
    entry = Section(table, f"{section.path}.prior", section.problems)
    prior = Prior(
        alpha=entry.number("alpha", at_least=0.5, at_most=50),
        beta=entry.number("beta", at_least=0.5, at_most=50),
    )
    entry.finish()
    return prior


# ---------- what only shows when plays stand together ----------


def faults(plays: Sequence[Play], paths: Mapping[str, str]) -> list[tuple[str, str]]:
    """Prerequisites that lead nowhere or in a circle, and targets that do not lie above the trigger."""
    by_key = {play.key: play for play in plays}
    problems = []
    for play in plays:
        path = paths[play.key]
        for each in play.prerequisites:
            if each not in by_key:
                problems.append((f"{path}.prerequisites", f"{each!r} is no play"))
        if circle := _circle(play.key, by_key):
            problems.append((f"{path}.prerequisites", f"go in a circle: {' → '.join(circle)}"))
        if play.targets[-1] <= play.trigger.below:
            problems.append(
                (
                    f"{path}.target",
                    f"must be above the trigger of {play.trigger.below:g}, not {play.targets[-1]:g}",
                )
            )
    return problems


def _circle(start: str, by_key: Mapping[str, Play]) -> list[str]:
    """The way from a play over prerequisites back to it; empty if there is none."""
    ways = [[start]]
    seen = set()
    while ways:
        way = ways.pop()
        for each in by_key[way[-1]].prerequisites if way[-1] in by_key else ():
            if each == start:
                return [*way, each]
            if each not in seen:
                seen.add(each)
                ways.append([*way, each])
    return []


def misfits(play: Play, path: str, scorecard: Scorecard) -> list[tuple[str, str]]:
    """What a play says of its signal that the scorecard contradicts."""
    signal = next((each for each in scorecard.signals if each.key == play.signal), None)
    if signal is None:
        return [(f"{path}.signal", f"{play.signal!r} is no signal of {scorecard.name}")]
    earliest = shows_after(signal, scorecard)
    if earliest > play.horizon.days:
        return [
            (
                f"{path}.horizon",
                f"{play.horizon.value!r} ends after {play.horizon.days} days, "
                f"but the signal shows the whole effect after {earliest}",
            )
        ]
    if play.effort_days * WORKING > play.horizon.days:
        return [
            (
                f"{path}.horizon",
                f"{play.horizon.value!r} ends after {play.horizon.days} days, "
                f"too soon for {play.effort_days:g} days of work",
            )
        ]
    return []


def shows_after(signal: Signal, scorecard: Scorecard) -> int:
    """Days until the signal shows the whole of a change: the span it reads, and the data's way to us."""
    lag = max(scorecard.metric(key).lag for key in signal.metrics)
    match signal.options:
        case RatioOptions(months=int(months)):
            return months * MONTH + lag
        case GrowthOptions(metric=metric):
            return lag if scorecard.metric(metric).nature == Nature.STOCK else MONTH + lag
        case ErrorOptions(days=days):
            return days + lag
        case PerformanceOptions():
            return MONTH + lag
    return lag
