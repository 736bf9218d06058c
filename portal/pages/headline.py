"""The number on top of a page: how it moved, where it stands among the bands, how far the next one is."""

from portal import charts
from portal.templatetags.scores import day, plural, whole
from scoring.engine import State
from scoring.read import CardReading, Reading


def changes(card: CardReading, reading: Reading) -> list[tuple[int, str]]:
    """The changes over 30 and 90 days, each with the period in words."""
    both = ((30, reading.change_30), (90, reading.change_90))
    return [(moved, since(card, back)) for back, moved in both if moved is not None]


def since(card: CardReading, back: int) -> str:
    """in 30 days; or the day the change really goes back to, where no sheet of that very day is kept."""
    then = card.compared.get(back)
    return f"in {back} days" if then is None or (card.day - then).days == back else f"since {day(then)}"


type Three = tuple[int, int, int]  # lower quartile, median, upper quartile of the peers


def gauge(card: CardReading, reading: Reading, peers: Three | None = None) -> charts.Gauge | None:
    """Where the node stands among the bands; its own range while it is provisional, or the peers'."""
    if reading.points is None:
        return None
    bands = [(band.tone, band.at_least) for band in card.scorecard.bands]
    span: tuple[float | None, float | None] = (None, None)
    if reading.state is State.PROVISIONAL and reading.lower is not None and reading.upper is not None:
        span = (reading.lower / 100, reading.upper / 100)
    return charts.gauge(reading.points / 100, whole(reading.points), bands, *span, peers=peers)


def gauge_label(card: CardReading, reading: Reading, peers: Three | None = None) -> str:
    """The gauge in words."""
    starts = ", ".join(
        f"{band.name} starts at {band.at_least}" for band in reversed(card.scorecard.bands[:-1])
    )
    others = f" Middle half of peers: {peers[0]} to {peers[2]}, median {peers[1]}." if peers else ""
    return f"{reading.name}: {whole(reading.points)} of 100. {starts}.{others}"


def to_next_band(card: CardReading, reading: Reading) -> str:
    """How far the next better band is, counted in the numbers that are shown."""
    if reading.whole is None:
        return ""
    better = [band for band in card.scorecard.bands if band.at_least > reading.whole]
    if not better:
        return f"In the best band, {reading.band.name}." if reading.band else ""
    return f"{plural(better[-1].at_least - reading.whole, 'point')} from {better[-1].name}."
