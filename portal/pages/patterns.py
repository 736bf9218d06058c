"""Every component on one page, for us: in the demo, while debugging, and for administrators."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace

from django import forms
from django.conf import settings
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal import charts, projection
from portal.pages.asking import Asking
from portal.pages.moving import Row
from portal.pages.products import Chip
from portal.pages.shell import Link, Shell
from portal.pages.sorting import Column
from portal.templatetags.scores import whole
from portal.waterfall import waterfall
from scoring.engine import State

BANDS = (("healthy", 80), ("watch", 70), ("act", 0))
TOKENS = (
    "paper surface sunken ink ink-2 ink-3 line line-2 accent accent-soft "
    "healthy-fill watch-fill act-fill pa ce th peer"
)
LAST = date(2026, 11, 20)


class Example(forms.Form):
    """Four fields, one of them with an error."""

    email = forms.EmailField()
    password = forms.CharField()
    code = forms.CharField(required=False)
    language = forms.ChoiceField(choices=[("en", "English"), ("de", "Deutsch")], initial="en", required=False)
    certificate = forms.CharField(required=False)


@dataclass(frozen=True)
class Sample:
    """What the components of one theme are fed with; ids differ by theme."""

    theme: str
    form: Example
    category: object
    headline: object
    thin: object
    shell: Shell
    gauge: charts.Gauge = field(default_factory=lambda: charts.gauge(73.6, "74", BANDS, 68.2, 79.9))
    strip: charts.Strip = field(default_factory=lambda: charts.strip(74, (64, 71, 79), (75, 85)))
    bar: tuple[charts.Part, ...] = charts.stack((("pa", 50, 31.3), ("ce", 20, 15.1), ("th", 30, 25.5)))
    links: tuple[Link, ...] = (Link("90 days", "?", True), Link("12 months", "?"))
    legend: tuple[tuple[str, str], ...] = (
        ("all", "Overall"),
        ("pa", "Product Adoption"),
        ("ce", "Customer Expertise"),
        ("th", "Technical Health"),
    )
    columns: tuple[str, ...] = ("Overall", "Adoption")
    rows: tuple[tuple[str, tuple[str, ...]], ...] = (
        ("20 Nov 2026", ("73.6", "62.6")),
        ("31 Oct 2026", ("71.0", "–")),
    )


@require_safe
def patterns(request: Asking) -> HttpResponse:
    if not (settings.MODE == "demo" or settings.DEBUG or request.user.is_admin):
        raise Http404("Only where we work on it.")
    page = Paginator(range(100), 12).page(2)
    context = {
        "samples": [sample("light"), sample("dark")],
        "tokens": TOKENS.split(),
        "trend": wave(),
        "months": seasons(),
        "until": datetime(2026, 11, 20, 14, 30, tzinfo=UTC),
        "page": page,
        "numbers": list(page.paginator.get_elided_page_range(2)),
        "heads": [Column("Org", "?", "ascending"), Column("Score", "?", is_number=True)],
        "bands": [("healthy", "Healthy"), ("watch", "Watch"), ("act", "Act now"), ("none", "No data")],
        "coverage": [("Product Adoption", "pa", "97%", "97%", "25 signals, 1 without data")],
        "said": ["Saved."],
        "plan": projection.figure(
            [(LAST - timedelta(days=back), 70 + (90 - back) / 25) for back in range(90, -1, -30)],
            [(LAST + timedelta(days=30), 77.9), (LAST + timedelta(days=59), 80.9)],
            LAST,
            LAST + timedelta(days=100),
            by_text="Target 28 Feb",
        ),
        "fall": waterfall(
            ("20 Oct", 75.4, "75.4"),
            [
                ("Us", 1.1, "+1.1"),
                ("Scope", 0, "0.0"),
                ("Feed", -1.1, "\N{MINUS SIGN}1.1"),
                ("You", -4, "\N{MINUS SIGN}4.0"),
            ],
            ("20 Nov", 71.4, "71.4"),
        ),
        "effects": [
            Row("Dashboard upkeep", "?", "100 to 50", "You", "act", "10%", "40%", "\N{MINUS SIGN}2.5")
        ],
        "chips": [Chip("All", "?", 25, True), Chip("Moved", "?", 5, False)],
        "marks": [("pa", "Product Adoption"), ("ce", "Customer Expertise"), ("th", "Technical Health")],
    }
    return render(request, "portal/patterns.html", context)


def sample(theme: str) -> Sample:
    """The same examples for either theme."""
    form = Example({"email": "maren.holt@aldermoor.example", "password": "x"}, auto_id=f"{theme}_%s")
    form.add_error(
        "password", "Email or password is not right. After five tries there is a pause of 15 minutes."
    )
    band = SimpleNamespace(tone="watch", name="Watch")
    reading = SimpleNamespace(
        node=theme,
        name=f"Technical Health, {theme}",
        mark="th",
        points=7360,
        whole=74,
        band=band,
        state=State.PROVISIONAL,
        lower=6820,
        upper=7990,
    )
    nothing = SimpleNamespace(points=None, band=None, state=State.INSUFFICIENT_DATA)
    return Sample(
        theme=theme,
        form=form,
        category=SimpleNamespace(
            reading=reading,
            href="?",
            weight="30% of score",
            changes=[(-460, "in 30 days")],
            spark=charts.spark([(0, 60), (0.4, 66), (0.7, None), (0.8, 71), (1, 73.6)], 200, 40, charts.CARD),
            spark_label="Technical Health over 12 months, from 60 to 74",
            summary="13 signals, 2 without data",
            backed="84% backed by data, 68 to 80",
        ),
        headline=reading,
        thin=nothing,
        shell=Shell(
            slug="",
            name="Aldermoor Logistics",
            plan="Signature plan",
            person="Maren Holt",
            initials="MH",
            role="Designated contact",
            can_switch=True,
            plan_page=Link("My Success Plan", "?"),
            overview=Link("Overview", "?"),
            categories=(),
        ),
    )


def wave() -> charts.Plot:
    """Four lines over a year, one of them with a gap."""
    days = [LAST - timedelta(days=30 * n) for n in range(12, -1, -1)]
    lines: dict[str, list[float | None]] = {
        "all": [66, 67, 68, 70, 71, 72, 73, 74, 75, 71, 71, 71, 73.6],
        "pa": [55, 57, 59, 61, 63, 65, 66, 67, 68, 57, 53, 53, 62.6],
        "ce": [64, 65, 66, 67, 68, None, None, 71, 72, 73, 74, 74, 75.3],
        "th": [79, 80, 80, 81, 82, 83, 83, 84, 85, 88, 90, 90, 85.1],
    }
    series = [(key, list(zip(days, values, strict=True))) for key, values in lines.items()]
    return charts.trend(
        series, days[0], LAST, text=lambda value: whole(round(100 * value)), band=("watch", 70, 80)
    )


def seasons() -> charts.Plot:
    """A year of monthly numbers against their average."""
    values = [431, 448, 462, 505, 538, 556, 574, 602, 641, 668, 672, 671, 693]
    months = [date(2025 + (9 + n) // 12, (9 + n) % 12 + 1, 1) for n in range(13)]
    return charts.months(
        [("pa", list(zip(months, values, strict=True)))], text=str, level=564, level_text="Average 564"
    )
