"""What states, flags and kinds are called, and what they mean to a reader. No numbers are formatted here."""

from scoring.engine import Flag, State

# Short names, for a badge or a table.
STATES: dict[State, str] = {
    State.OK: "Up to date",
    State.STALE_GRACE: "Late",
    State.MISSING: "No data",
    State.INVALID: "Impossible value",
    State.INSUFFICIENT_HISTORY: "Too new",
    State.NOT_APPLICABLE: "Not applicable",
    State.EXEMPT: "Exempt",
    State.PROVISIONAL: "Provisional",
    State.INSUFFICIENT_DATA: "Not enough data",
    State.SETTING_UP: "Setting up",
}

# What a flag says beside the points of a signal.
FLAGS: dict[Flag, str] = {
    Flag.OVER_100: "More is in use than was bought. It counts as 100.",
    Flag.FROM_ZERO: "There was nothing in the months before, so any activity counts as 100.",
    Flag.DORMANT: "No activity in 13 months.",
    Flag.BASE_SHIFT: "The number of seats changed markedly; the numbers are compared per seat.",
    Flag.DENOMINATOR_CHANGED: "The number it is divided by changed within these months; its average is used.",
    Flag.PREVIEW: "Preview: computed and shown, not yet part of any score.",
}

KINDS: dict[str, str] = {
    "ratio": "Ratio",
    "growth": "Growth",
    "indicator": "Indicator",
    "error": "Error-free days",
    "performance": "Performance",
    "config": "Configuration",
    "deduction": "Deduction",
    "steps": "Steps",
    "linear": "Scale",
}

# How a metric behaves in time, for those who look up what a signal reads.
NATURES: dict[str, str] = {
    "stock": "A level, read at its newest value",
    "flow": "Counted and added up",
    "event": "Days on which it happened",
    "gauge": "An average",
}

# What a kind of file is called.
FILES: dict[str, str] = {"csv": "CSV", "xlsx": "Excel", "pdf": "PDF"}

# Help in place: what a part of a page is, for whoever asks.
HELP: dict[str, str] = {
    "score": "Signals measure how you use what you bought. Each gives 0 to 100 points; their weighted mean "
    "makes a subcategory, those a category, and those the score. It is made every night from data alone: "
    "no click and no person moves it.",
    "backed": "Each signal has a weight. Backed by data is the part of it whose data arrived in time; what "
    "is late counts half. The rest is left out, and the bounds say what it could do at worst and at best.",
    "signals": "A signal is one measured thing, such as licenses in use. Score times weight is what it "
    "gives. Open one to see its numbers, its formula and how fresh they are.",
}

# "Change your language" in the commonest others, for someone who may not read the rest of the page.
CHANGE_LANGUAGE: dict[str, str] = {
    "de": "Sprache ändern",
    "es": "Cambiar de idioma",
    "fr": "Changer de langue",
    "it": "Cambia lingua",
    "ja": "言語を変更",
    "nl": "Taal wijzigen",
    "pl": "Zmień język",
    "pt": "Mudar de idioma",
}

# States in which a signal is counted in the weight of its subcategory, with or without a number.
COUNTED = frozenset({State.OK, State.STALE_GRACE, State.MISSING, State.INVALID})
SILENT = frozenset({State.MISSING, State.INVALID})

# While a score is this, there is nothing of it to show.
NOTHING_YET = frozenset({State.SETTING_UP, State.NOT_APPLICABLE})


def flags_in(flags: Flag) -> list[str]:
    """The sentences of the flags that are set."""
    return [text for flag, text in FLAGS.items() if flag in flags]


def listed(names: list[str]) -> str:
    """a · a and b · a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else ""
