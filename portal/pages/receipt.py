"""A receipt: every number of a published sheet with what it was made of, on a page and as a document."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_safe

from accounts.access import Capability, open_organization
from portal.pages.asking import Asking
from portal.pages.receipt_words import figure, rules, words
from portal.pages.shell import shell
from portal.pages.words import FLAGS, KINDS, STATES
from portal.templatetags.scores import NOTHING, day, exact, moment, percent, plural, share
from scoring import history, read, receipts
from scoring.engine import Flag, State
from scoring.receipts import Receipt

if TYPE_CHECKING:
    from accounts.models import Organization

FEW = 16  # values of a metric that stand open on the page
CARRIES_ZERO = ("flow", "event")  # where no number in a complete span means 0 (SCORING §13)
KEPT = "28 months"


@require_safe
def receipt(request: Asking, slug: str) -> HttpResponse:
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    past = history.of(organization, days=read.SLACK)
    found = asked(request, organization, past)
    if found is None:
        raise Http404("No such receipt.")
    card = read.latest(organization, known=past)
    page = {"shell": shell(request, organization, card), "organization": organization}
    return render(request, "portal/receipt.html", page | shown(found))


@require_safe
def document(request: Asking, slug: str) -> HttpResponse:
    """The same receipt as the file that a stranger can verify."""
    organization = open_organization(request.user, slug, to=Capability.SEE_SCORE)
    found = asked(request, organization, history.of(organization, days=read.SLACK))
    if found is None:
        raise Http404("No such receipt.")
    response = HttpResponse(found.raw, content_type="application/json")
    response["Content-Disposition"] = f'attachment; filename="{file_name(found)}"'
    return response


def address(
    organization: "Organization", node: str, when: date, *, name: str = "receipt", **which: int
) -> str:
    """Where the receipt of a node of a day is, for a link."""
    query: dict[str, str | int] = {"node": node, "day": when.isoformat(), **which}
    return f"{reverse(name, args=[organization.slug])}?{urlencode(query)}"


def asked(request: Asking, organization: "Organization", past: history.History) -> Receipt | None:
    """The receipt that the address asks for: without a node the overall score, without a day the newest."""
    given = request.GET
    if set(given) - {"node", "day", "version", "revision"}:
        return None
    try:
        when = date.fromisoformat(given["day"]) if given.get("day") else max(past.sheets, default=None)
        number = _count(given.get("version"))
        revision = _count(given.get("revision"))
    except ValueError:
        return None
    if when is None:
        return None
    node = given.get("node", "overall")
    found = receipts.of(organization, node, when, number=number, revision=revision)
    # The internal health card is never a customer's, whatever an organization is set to (SCORING §0).
    return found if found and found.night.card.audience == "customer" else None


def _count(text: str | None) -> int | None:
    """A small whole number of an address; ValueError for anything else."""
    if text is None:
        return None
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise ValueError(text)
    return int(text)


def file_name(found: Receipt) -> str:
    """A name that says what it is, in letters that every disk takes."""
    node = found.node.id.replace("/", ".")
    return f"receipt-{found.organization.slug}-{found.night.day}-{node}.json"


# ---------- the page ----------


@dataclass(frozen=True)
class Part:
    """One child of a roll-up."""

    name: str
    href: str
    score: str
    weight: str
    share: str
    state: str
    coverage: str


@dataclass(frozen=True)
class Line:
    """One number that was measured, or one span that was declared complete."""

    when: str
    value: str
    source: str
    batch: str
    arrived: str


@dataclass(frozen=True)
class Measured:
    """One metric and what was known of it."""

    name: str
    about: str
    lines: list[Line]
    spans: list[Line]
    is_open: bool


def shown(found: Receipt) -> dict[str, object]:
    """Everything the page shows, as ready text."""
    root, night = found.document["root"], found.night
    which = {"version": night.version.number, "revision": night.revision}
    return {
        "receipt": found,
        "crumbs": crumbs(found),
        "when": day(night.day),
        "made": moment(night.made_at),
        "facts": facts(found),
        "is_signal": root["level"] == "signal",
        "formula": root.get("formula", ""),
        "kind": KINDS.get(root.get("kind", ""), ""),
        "parameters": rules(found.document),
        "figures": [
            (words(name, root["kind"]), figure(name, value))
            for name, value in root.get("figures", {}).items()
        ],
        "parts": [part(found, child) for child in root.get("children", ())],
        "measured": measured(found) if root["level"] == "signal" else [],
        "origin": origin(found),
        "others": [
            (f"version {other.version.number}, revision {other.revision}", other.reason, here)
            for other in receipts.others(found)
            for here in [
                address(
                    found.organization,
                    found.node.id,
                    night.day,
                    version=other.version.number,
                    revision=other.revision,
                )
            ]
        ],
        "download": address(found.organization, found.node.id, night.day, name="receipt-document", **which),
        "file": file_name(found),
        "kept": KEPT,
    }


def crumbs(found: Receipt) -> list[tuple[str, str]]:
    """The receipts above this one: name and address, the overall score first."""
    nodes = found.night.card.nodes
    above, at = [], found.node.parent
    while at >= 0:
        above.append(nodes[at])
        at = nodes[at].parent
    return [(each.name, _beside(found, each.id)) for each in reversed(above)]


def _beside(found: Receipt, node: str) -> str:
    """The receipt of another node of the same sheet."""
    night = found.night
    return address(found.organization, node, night.day, version=night.version.number, revision=night.revision)


def facts(found: Receipt) -> list[tuple[str, str]]:
    """The number, from full precision to what the screen shows, and how sure it is."""
    root = found.document["root"]
    bands = {band["key"]: band["name"] for band in found.document["scorecard"]["bands"]}
    lines = [
        ("In full precision", root["exact"] or "no number"),
        ("Published, in hundredths", root["points"] or "no number"),
        ("Shown", f"{root['shown']}, {bands[root['band']]}" if root["shown"] else NOTHING),
        ("State", STATES[State[root["state"]]]),
        ("Backed by data", percent(_float(root["coverage"]))),
    ]
    if root["lower"] is not None:
        lines.append(
            ("With what is missing as 0 or 100", f"{_points(root['lower'])} to {_points(root['upper'])}")
        )
    if root.get("history"):
        known, of = root["history"].split("/")
        lines.append(("History", f"{known} of {of} earlier periods known"))
    if root["level"] == "signal" and not root["owned"]:
        lines.append(("Product", "Not owned, so the signal does not apply"))
    lines += [("Note", FLAGS[Flag[flag]]) for flag in root.get("flags", ())]
    return lines


def part(found: Receipt, child: dict[str, Any]) -> Part:
    return Part(
        name=child["name"],
        href=_beside(found, child["node"]),
        score=child["points"] or NOTHING,
        weight=child["weight"],
        share="Preview" if child.get("preview") else share(_float(child["share"])),
        state=STATES[State[child["state"]]],
        coverage=percent(_float(child["coverage"])),
    )


def measured(found: Receipt) -> list[Measured]:
    """Every number that the signal could read, with where it came from and when."""
    batches = found.document["batches"]
    return [
        Measured(
            name=told["name"],
            about=f"{told['nature']}, {told['cadence']}{', ' + told['unit'] if told['unit'] else ''}",
            lines=[_value(each, batches) for each in reversed(told["values"])],
            spans=[_span(each, batches) for each in reversed(told["complete"])]
            if told["nature"] in CARRIES_ZERO
            else [],
            is_open=len(told["values"]) <= FEW,
        )
        for told in found.document["metrics"].values()
    ]


def _value(told: dict[str, Any], batches: dict[str, Any]) -> Line:
    value = f"{told['value']}, corrected" if told["correction"] else told["value"]
    return Line(day(date.fromisoformat(told["day"])), value, *_lineage(told["batch"], batches))


def _span(told: dict[str, Any], batches: dict[str, Any]) -> Line:
    span = f"{day(date.fromisoformat(told['from']))} to {day(date.fromisoformat(told['to']))}"
    return Line(span, "", *_lineage(told["batch"], batches))


def _lineage(batch: str, batches: dict[str, Any]) -> tuple[str, str, str]:
    of = batches[batch]
    return of["source"], batch, moment(datetime.fromisoformat(of["arrived"]).astimezone(UTC))


def origin(found: Receipt) -> list[tuple[str, str]]:
    """Which run made the number, from what, and by which rules."""
    document = found.document
    sheet, card, reads = document["sheet"], document["scorecard"], document["reads"]
    lines = [
        ("Sheet", f"Day {day(found.night.day)}, revision {sheet['revision']}"),
        ("Made", f"{moment(found.night.made_at)}, by run {sheet['run']}"),
        ("Watermark", f"{sheet['watermark']}: what had been taken in by then counts, nothing later"),
        ("Scorecard", f"{card['name']}, version {card['version']}"),
        ("Its SHA-256", card["sha256"]),
        ("Reads", f"{day(date.fromisoformat(reads['months_from']))} to {day(found.night.day)}"),
        ("Age", plural(float(document["organization"]["age_days"]), "day")),
    ]
    if sheet["reason"]:
        lines.insert(1, ("Why this revision", sheet["reason"]))
    return lines


def _float(text: str | None) -> float | None:
    return None if text is None else float(text)


def _points(text: str) -> str:
    return exact(round(100 * float(text)))
