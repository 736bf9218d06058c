"""A playbook as the text of a version, and back; one changed by hand; what became different."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import Any

from recommendations.plays.reading import common, faults, misfits, one_play
from recommendations.plays.values import LinkKind, Play, Playbook, PlaybookInvalid, Standing
from scoring.engine import Scorecard
from scoring.engine.reader import Section, unique


def write(playbook: Playbook) -> str:
    """The one text of a playbook: JSON with sorted keys, so that equal playbooks have equal texts."""
    document = {"playbook": _plain(playbook.trigger), "play": [table_of(play) for play in playbook.plays]}
    return json.dumps(document, ensure_ascii=False, indent=1, sort_keys=True)


def parse(text: str) -> Playbook:
    """The playbook of a text that `write` made; checked again, since a row may come from an older release.

    raises  PlaybookInvalid
    """
    problems: list[tuple[str, str]] = []
    try:
        document = json.loads(text)
    except ValueError as error:
        raise PlaybookInvalid([("text", f"not JSON: {error}")]) from error
    root = Section(document, "", problems)
    root.skip("playbook")
    head = common(Section({"playbook": document.get("playbook")}, "text", problems))
    sections = root.sections("play")
    root.finish()
    unique(sections)
    plays = [one_play(section, head, shipped=False) for section in sections]
    if not problems:
        problems += faults(plays, {play.key: s.path for play, s in zip(plays, sections, strict=True)})
    if problems:
        raise PlaybookInvalid(problems)
    return Playbook(head, tuple(plays))


def table_of(play: Play) -> dict[str, Any]:
    """A play as its table in a file: the trigger flat, and nothing that says nothing."""
    table = _plain(play)
    table |= table.pop("trigger")
    targets = table.pop("targets")
    table |= {"target": targets[0]} if len(targets) == 1 else {"target_steps": targets}
    if not play.costs_money:
        del table["cost_note"]
    for link, made in zip(table["links"], play.links, strict=True):
        if made.kind != LinkKind.TRAIL:
            del link["modules"]
    return table


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if hasattr(value, "__dataclass_fields__"):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return value.value if isinstance(value, StrEnum) else value


# ---------- changes by hand ----------


def with_change(playbook: Playbook, key: str, changes: Mapping[str, Any], scorecard: Scorecard) -> Playbook:
    """The playbook with one play edited; `changes` are fields as a file has them.

    raises  KeyError for a play that is not there, PlaybookInvalid for a change that cannot be used
    """
    play = playbook.by_key[key]
    table = table_of(play)
    if "target_steps" in changes:
        table.pop("target", None)
    elif "target" in changes:
        table.pop("target_steps", None)
    table |= {**changes, "key": key, "by_hand": True}
    if not table.get("costs_money"):
        table.pop("cost_note", None)
    problems: list[tuple[str, str]] = []
    path = f'play "{key}"'
    changed = one_play(Section(table, path, problems), playbook.trigger, shipped=False)
    plays = tuple(changed if each.key == key else each for each in playbook.plays)
    if not problems:
        problems += faults(plays, {each.key: f'play "{each.key}"' for each in plays})
        problems += misfits(changed, path, scorecard)
    if problems:
        raise PlaybookInvalid(problems)
    return replace(playbook, plays=plays)


def with_standing(playbook: Playbook, key: str, standing: Standing) -> Playbook:
    """The playbook with a play pinned, vetoed or released; KeyError for one that is not there."""
    play = replace(playbook.by_key[key], standing=standing)
    return replace(playbook, plays=tuple(play if each.key == key else each for each in playbook.plays))


def renewed(newest: Playbook, files: Playbook) -> Playbook:
    """The playbook of newer files, with what experts wrote and ordered in the portal kept."""
    kept = newest.by_key
    plays = [
        kept[play.key]
        if play.key in kept and kept[play.key].by_hand
        else replace(play, standing=kept[play.key].standing if play.key in kept else Standing.FREE)
        for play in files.plays
    ]
    plays += [play for play in newest.plays if play.by_hand and play.key not in files.by_key]
    there = {play.key for play in plays}
    # A play edited by hand may wait for one that newer files no longer hold.
    plays = [
        replace(play, prerequisites=tuple(each for each in play.prerequisites if each in there))
        for play in plays
    ]
    return replace(files, plays=tuple(plays))


# ---------- what became different ----------


@dataclass(frozen=True)
class Difference:
    """One field of a play, as text, before and after."""

    field: str
    before: str
    after: str


def differences(before: Play | None, after: Play) -> tuple[Difference, ...]:
    """The fields in which two editions of a play differ, in the order of a file; all for a new one."""
    was = table_of(before) if before else {}
    now = table_of(after)
    for table in (was, now):
        table.pop("by_hand", None)  # says that there was an edit, which whoever reads this knows
    return tuple(
        Difference(name, _said(was.get(name)), _said(now.get(name)))
        for name in dict.fromkeys((*was, *now))
        if was.get(name) != now.get(name)
    )


def _said(value: Any) -> str:
    """A field as one text: a list one line each."""
    if value is None:
        return ""
    if isinstance(value, list):
        return "\n".join(_said(each) for each in value)
    if isinstance(value, dict):
        return ", ".join(f"{name} {_said(each)}" for name, each in value.items() if each not in ("", [], 0))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
