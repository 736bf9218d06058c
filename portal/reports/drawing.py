"""The charts of the pages (portal.charts) as drawings of a fixed size: for paper, without a style sheet.

The geometry is the pages' own; only what a style sheet does there is written out here. Nothing here comes
from a customer: numbers, names of bands and days alone.
"""

import re
from collections.abc import Sequence
from html import escape

from portal.charts import Gauge, Part, Plot

# The light side of static/css/tokens.css; a test compares them.
INK, INK_2, INK_3, LINE, TRACK, PAPER = "#1a1d21", "#464c55", "#5c636e", "#e3e1db", "#e6e4de", "#ffffff"
TONES = {"healthy": "#14805a", "watch": "#b87a00", "act": "#c0382a"}
SOFT = {"healthy": "#e0f2e9", "watch": "#fcefd2", "act": "#fce8e4"}
MARKS = {"all": INK, "pa": "#1f3f93", "ce": "#a83a6e", "th": "#2b8fa6", "peer": "#6b7280"}
DASHES = {"pa": "6 3", "ce": "2 3", "th": "10 3 2 3"}
FONTS = "Liberation Sans, DejaVu Sans, Arial, Helvetica, Libertinus Serif"


def plot(drawn: Plot, *, width: float, height: float, band_text: str = "") -> str:
    """Lines over time with both axes."""
    left, right, top, bottom = 22.0, 26.0, 8.0, 18.0
    inner, tall = width - left - right, height - top - bottom

    def x(percent: str) -> str:
        return _n(left + inner * _share(percent))

    def y(percent: str) -> str:
        return _n(top + tall * _share(percent))

    parts = []
    if drawn.band:
        size = _n(tall * _share(drawn.band.width))
        parts.append(
            f'<rect x="{_n(left)}" y="{y(drawn.band.x)}" width="{_n(inner)}" height="{size}"'
            f' fill="{SOFT.get(drawn.band.tone, TRACK)}"/>'
        )
    for tick in drawn.up:
        at = y(tick.at)
        parts.append(f'<path d="M{_n(left)} {at}H{_n(left + inner)}" stroke="{LINE}"/>')
        parts.append(_text(_n(left - 7), at, tick.text, "end", dy=3))
    for tick in drawn.across:
        parts.append(_text(x(tick.at), _n(top + tall + 13), tick.text, tick.anchor))
    if drawn.band and band_text:
        halo = SOFT.get(drawn.band.tone, TRACK)
        parts.append(_text(_n(left + 6), y(drawn.band_label), band_text, "start", dy=3, halo=halo))
    for line in drawn.lines:
        dash = "" if line.is_main else DASHES.get(line.key, "")
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        parts.append(
            f'<path d="{_scaled(line.path, left, top, inner, tall)}" fill="none"'
            f' stroke="{MARKS.get(line.key, INK)}" stroke-width="{2 if line.is_main else 1.4}"'
            f' stroke-linejoin="round" stroke-linecap="round"{dashed}/>'
        )
    for line in drawn.lines:
        color = MARKS.get(line.key, INK)
        radius = 4 if line.is_main else 3
        parts.append(
            f'<circle cx="{x(line.x)}" cy="{y(line.y)}" r="{radius}" fill="{color}" stroke="{PAPER}"'
            ' stroke-width="1.5"/>'
        )
        end = _n(left + inner * _share(line.x) + 8)
        parts.append(_text(end, y(line.label_y), line.text, "start", dy=3, color=color, bold=True))
    return _svg(width, height, parts)


def gauge(drawn: Gauge, *, width: float) -> str:
    """The scale of the bands with the score on it."""
    left, top, height = 10.0, 20.0, 52.0
    inner = width - 2 * left

    def x(percent: str) -> str:
        return _n(left + inner * _share(percent))

    parts = []
    for zone in drawn.zones:
        wide = _n(inner * _share(zone.width))
        soft, full = SOFT.get(zone.tone, TRACK), TONES.get(zone.tone, INK_3)
        parts.append(f'<rect x="{x(zone.x)}" y="{_n(top + 6)}" width="{wide}" height="10" fill="{soft}"/>')
        parts.append(f'<rect x="{x(zone.x)}" y="{_n(top + 16)}" width="{wide}" height="3" fill="{full}"/>')
    for tick in drawn.ticks:
        parts.append(_text(x(tick.at), _n(top + 29), tick.text, "middle"))
    if drawn.low:
        low, high, at = x(drawn.low), x(drawn.high), _n(top + 11)
        ends = f"M{low} {at}H{high}M{low} {_n(top + 7)}v8M{high} {_n(top + 7)}v8"
        parts.append(f'<path d="{ends}" stroke="{INK_2}" stroke-width="1.5" fill="none"/>')
    at = x(drawn.at)
    parts.append(f'<path d="M{at} {_n(top + 2.5)}l-5.5 -8.5h11z" fill="{INK}"/>')
    parts.append(f'<path d="M{at} {_n(top)}v19" stroke="{INK}" stroke-width="2.5"/>')
    parts.append(_text(at, _n(top - 9), drawn.text, "middle", color=INK, bold=True))
    return _svg(width, height, parts)


def bar(drawn: Sequence[Part], *, width: float) -> str:
    """One stacked bar, each part with the room it could fill."""
    height = 11.0
    parts = [f'<rect width="{_n(width)}" height="{_n(height)}" fill="{TRACK}"/>']
    for number, part in enumerate(drawn):
        color = MARKS.get(part.mark, INK_3)
        start, wide = _n(width * _share(part.x)), _n(width * _share(part.width))
        parts.append(f'<rect x="{start}" width="{wide}" height="{_n(height)}" fill="{color}"/>')
        if number < len(drawn) - 1:
            end = _n(width * _share(part.end))
            parts.append(f'<rect x="{end}" width="2" height="{_n(height)}" fill="{PAPER}"/>')
    return _svg(width, height, parts)


def key(mark: str) -> str:
    """How the line of a mark looks, for the legend."""
    dash = f' stroke-dasharray="{DASHES[mark]}"' if mark in DASHES else ""
    color = MARKS.get(mark, INK)
    return _svg(24, 8, [f'<path d="M0 4H24" stroke="{color}" stroke-width="2"{dash}/>'])


def shape(tone: str) -> str:
    """The shape of a band, which says the same as its color."""
    drawn = {
        "healthy": '<circle cx="6" cy="6" r="5" fill="{}"/>',
        "watch": '<path d="M6 .8 11.6 11H.4z" fill="{}"/>',
        "act": '<path d="M6 0l6 6-6 6-6-6z" fill="{}"/>',
    }.get(tone, '<circle cx="6" cy="6" r="4.6" fill="none" stroke="{}"/>')
    return _svg(12, 12, [drawn.format(TONES.get(tone, INK_3))])


def _svg(width: float, height: float, parts: Sequence[str]) -> str:
    size = f'width="{_n(width)}" height="{_n(height)}" viewBox="0 0 {_n(width)} {_n(height)}"'
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(parts)}</svg>'


def _text(
    x: str,
    y: str,
    text: str,
    anchor: str,
    *,
    dy: float = 0,
    color: str = INK_3,
    bold: bool = False,
    halo: str = "",
) -> str:
    down = _n(float(y) + dy)
    weight = ' font-weight="bold"' if bold else ""
    weight += f' stroke="{halo}" stroke-width="3" paint-order="stroke"' if halo else ""
    return (
        f'<text x="{x}" y="{down}" text-anchor="{anchor}" fill="{color}" font-family="{FONTS}"'
        f' font-size="8.5"{weight}>{escape(text)}</text>'
    )


def _scaled(path: str, left: float, top: float, width: float, height: float) -> str:
    """A path in percent, as a path in points; its commands stand between pairs of numbers."""
    numbers = iter(re.findall(r"-?\d+(?:\.\d+)?|[Mh]", path))
    out = []
    for each in numbers:
        if each == "M":
            out.append("M")
        elif each == "h":  # a line of no length: a dot
            out.append(f"h{next(numbers)}")
        else:
            out.append(
                f"{_n(left + width * float(each) / 100)} {_n(top + height * float(next(numbers)) / 100)}"
            )
    return " ".join(out)


def _share(percent: str) -> float:
    return float(percent.rstrip("%")) / 100


def _n(value: float) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".")
