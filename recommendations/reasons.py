"""Why something is suggested, in words: the numbers that the night kept, as sentences. Pure text."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from scoring.engine import State, shown

UNKNOWN: Mapping[State, str] = {
    State.MISSING: "No data has come for this signal.",
    State.INVALID: "The data of this signal cannot be used as it came.",
    State.INSUFFICIENT_HISTORY: "There is not enough history yet to score this signal.",
    State.NOT_APPLICABLE: "The signal does not apply to you now.",
    State.EXEMPT: "The signal is exempt for you.",
}
NO_SCORE = "There is no overall score yet that it could add to."
LATER = "The next night works out what it brings."


def sentences(why: Mapping[str, Any], name: str) -> list[str]:
    """The reasons as sentences, each with its numbers; none for what one of ours wrote.

    name  of the signal
    """
    found = []
    if "points" in why and "threshold" in why:
        found.append(f"{name} scores {_whole(why['points'])}, below {_whole(why['threshold'])}.")
    elif "points" in why:
        found.append(f"{name} scores {_whole(why['points'])}.")
    if trend := why.get("trend"):
        lost = _whole(trend["from"]) - _whole(why["points"])
        day = date.fromisoformat(trend["day"])
        found.append(
            f"It had {_whole(trend['from'])} at the close of {day.day} {day:%b %Y}: {lost} points lost since."
        )
    if peers := why.get("peers"):
        gap = _whole(peers["median"]) - _whole(why["points"])
        found.append(f"Half of your peers have {_whole(peers['median'])} or more, {gap} above you.")
    return found


def of_return(why: Mapping[str, Any], reason: str, points_then: int | None) -> str:
    """Why something that was put away is suggested again."""
    put_away = f"It was archived: “{reason.rstrip('.')}”. " if reason else ""
    now = _whole(why["points"])
    if points_then is not None and abs(why["points"] - points_then) >= 1000:
        verb = "fell" if why["points"] < points_then else "rose"
        return f"{put_away}Since then the signal {verb} from {_whole(points_then)} to {now}."
    news = sentences(why, "The signal")
    return f"{put_away}What is new: {' '.join(news)}"


def _whole(hundredths: float) -> int:
    return shown(round(hundredths))
