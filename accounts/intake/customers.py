"""Organizations from a file: upserted by external id; empty cells leave what is there.

A line goes in whole or not at all. Everything that can be refused is found before anything of the line is
written; what remains is one transaction.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import batched
from pathlib import Path
from typing import Any

from django.db import transaction

from accounts import audit, organizations
from accounts.intake.checks import COLUMNS, Cells, check, midnight, product_keys
from accounts.intake.maps import IntakeRefused, OrganizationMap, read_map
from accounts.intake.report import IntakeReport
from accounts.models import Action, Organization, PlanInterval, Product, User
from accounts.organizations import Newcomer, OrganizationRefused
from accounts.rows import FileRefused, Table, open_table, readable
from accounts.rows.cells import bare

Progress = Callable[[int, float], None]  # lines so far, share of the work

UNREADABLE = {
    "bad_encoding": "is not UTF-8",
    "line_too_long": "is longer than 64 kB",
    "ragged": "has not as many cells as the header",
    "bad_json": "is not a JSON object with every key once",
    "non_finite": "holds a number that is not finite",
    "unknown_field": "is not a known field",
    "truncated": "is where the file is cut off",
}


@dataclass(frozen=True)
class Draft:
    """A line that can be read, on its way in; of its cells only those with something in them."""

    line: int
    cells: Cells
    raw: str

    @property
    def id(self) -> str:
        return self.cells["external_id"]


def import_organizations(
    path: str | Path,
    *,
    map_path: str | Path | None = None,
    is_dry_run: bool = False,
    progress: Progress = lambda lines, share: None,
    by: User | None = None,
    most_lines: int | None = None,
    most_bytes: int | None = None,
) -> IntakeReport:
    """What became of the file's lines; the good ones are in, all at once.

    most_lines, most_bytes   of the unpacked file: more is refused as a whole
    raises  IntakeRefused with nothing written, when the file or the map as a whole cannot be used
    """
    mapping = read_map(map_path) if map_path else None
    try:
        table = open_table(path, delimiter=mapping.delimiter if mapping else ",", most_bytes=most_bytes)
    except FileRefused as refused:
        raise IntakeRefused(str(refused)) from refused
    try:
        wanted = _columns(table, mapping)
        report = IntakeReport(table.name, is_dry_run)
        with transaction.atomic():
            _take(list(_drafts(table, wanted, mapping, report, most_lines)), report, progress, by)
            audit.record(
                Action.ORGANIZATIONS_IMPORTED,
                by=by,
                hat=organizations.hat(by),
                target=("file", report.file),
                after=report.counts(),
            )
            transaction.set_rollback(is_dry_run)  # a dry run is the same work, undone
    except FileRefused as refused:
        raise IntakeRefused(str(refused)) from refused
    finally:
        table.close()
    return report


def _columns(table: Table, mapping: OrganizationMap | None) -> list[str]:
    """The columns to read; raises IntakeRefused when the file has not those it needs, or others."""
    wanted = mapping.wanted if mapping else ["external_id"]
    if missing := table.lacks(wanted):
        raise IntakeRefused(
            f"{table.name} has no column {missing[0]!r}; it has {', '.join(table.columns or ())}."
        )
    if mapping:
        return wanted
    if unknown := [name for name in table.columns or () if name not in COLUMNS]:
        raise IntakeRefused(
            f"{table.name} has a column {unknown[0]!r} that is not known; known are {', '.join(COLUMNS)}."
            " Another table needs a map (--map)."
        )
    return list(table.columns or COLUMNS)


def _drafts(
    table: Table,
    wanted: list[str],
    mapping: OrganizationMap | None,
    report: IntakeReport,
    most_lines: int | None,
) -> Iterator[Draft]:
    """The lines that can be read and that the map keeps; all others are counted."""
    seen: set[str] = set()
    for block in table.blocks(wanted, only_these=mapping is None):
        report.lines += len(block.rows) + len(block.faults)
        if most_lines is not None and report.lines > most_lines:
            raise IntakeRefused(f"{table.name} has more than {most_lines:,} lines.")
        for fault in block.faults:
            report.refuse(fault.line, fault.field, UNREADABLE.get(fault.code, fault.code), fault.raw)
        for line, text, values in zip(block.lines, block.texts, block.rows, strict=True):
            row = {name: _text(value) for name, value in zip(wanted, values, strict=True)}
            if mapping is None and table.columns is not None:  # what our own export put a ' before
                row = {name: bare(value) for name, value in row.items()}
            if mapping:
                if not mapping.keeps(row):
                    report.filtered += 1
                    continue
                row = mapping.cells(row)
                # A foreign table may name an organization on every line: the first one speaks for it.
                if row["external_id"] in seen:
                    report.repeated += 1
                    continue
                seen.add(row["external_id"])
            yield Draft(line, {name: value for name, value in row.items() if value}, readable(text))


def _text(value: Any) -> str:
    """A cell as text; a JSON list is what the semicolons of a CSV cell are."""
    if isinstance(value, list):
        return ";".join(map(_text, value))
    if isinstance(value, bool):
        return str(value).lower()
    return "" if value is None else str(value).strip()


def _take(drafts: list[Draft], report: IntakeReport, progress: Progress, by: User | None) -> None:
    """Check everybody, put in the new, then change the known."""
    known = set(Organization.objects.order_by().values_list("external_id", flat=True))
    good = _with_parents(_sound(drafts, known, report), known, report)
    first: dict[str, Draft] = {}
    later: list[Draft] = []
    for draft in good:
        if draft.id in known or draft.id in first:
            later.append(draft)
        else:
            first[draft.id] = draft
    made = organizations.create_all([_newcomer(draft, report.file) for draft in first.values()], by=by)
    report.created += len(made)
    ids = dict(Organization.objects.order_by().values_list("external_id", "pk"))
    below = {ids[draft.id]: ids[draft.cells["parent"]] for draft in first.values() if "parent" in draft.cells}
    organizations.put_below(below)
    done = len(made)
    for some in batched(later, 1000):
        _change(some, ids, report, by)
        done += len(some)
        progress(done, done / len(good))


def _sound(drafts: list[Draft], known: set[str], report: IntakeReport) -> list[Draft]:
    """Those whose cells can be."""
    products = set(Product.objects.values_list("key", flat=True))
    named = set(known)
    gone = organizations.retired()
    good = []
    for draft in drafts:
        try:
            check(draft.cells, products)
            for field in ("external_id", "parent"):
                if reason := gone.get(draft.cells.get(field, "")):
                    raise OrganizationRefused(field, reason)
            if draft.id not in named and "name" not in draft.cells:
                raise OrganizationRefused("name", "is missing; a new organization needs one")
        except OrganizationRefused as refused:
            report.refuse(draft.line, refused.field, str(refused), draft.raw)
            continue
        named.add(draft.id)
        good.append(draft)
    return good


def _with_parents(drafts: list[Draft], known: set[str], report: IntakeReport) -> list[Draft]:
    """Without those whose parent is nowhere, or stands below them; a parent may come later in the file."""
    while True:  # refusing one may leave others without their parent
        there = known | {draft.id for draft in drafts}
        orphans = {draft.line for draft in drafts if draft.cells.get("parent", draft.id) not in there}
        for draft in drafts:
            if draft.line in orphans:
                reason = f"no organization has the external id {draft.cells['parent']!r}"
                report.refuse(draft.line, "parent", reason, draft.raw)
        if not orphans:
            break
        drafts = [draft for draft in drafts if draft.line not in orphans]
    above = dict(Organization.objects.exclude(parent=None).values_list("external_id", "parent__external_id"))
    return [draft for draft in drafts if "parent" not in draft.cells or _fits_below(draft, above, report)]


def _fits_below(draft: Draft, above: dict[str, str], report: IntakeReport) -> bool:
    """Whether the draft's parent is none of those below it; if so, it is noted as its parent."""
    parent: str | None = draft.cells["parent"]
    while parent is not None and parent != draft.id:
        parent = above.get(parent)
    if parent == draft.id:
        report.refuse(
            draft.line, "parent", f"{draft.cells['parent']!r} is or stands below {draft.id!r}", draft.raw
        )
        return False
    above[draft.id] = draft.cells["parent"]
    return True


def _newcomer(draft: Draft, source: str) -> Newcomer:
    cells = draft.cells
    return Newcomer(
        cells["external_id"],
        cells["name"],
        _details(cells),
        _plan(cells, source),
        product_keys(cells),
        _csm(cells),
    )


def _change(drafts: tuple[Draft, ...], ids: dict[str, int], report: IntakeReport, by: User | None) -> None:
    """Bring what is there up to what these lines say."""
    there = Organization.objects.filter(external_id__in=[draft.id for draft in drafts])
    there = there.prefetch_related("plan_intervals", "products", "memberships__user")
    by_id = {organization.external_id: organization for organization in there}
    for draft in drafts:
        try:
            has_changed = _put(by_id[draft.id], draft.cells, ids, report.file, by)
        except OrganizationRefused as refused:
            report.refuse(draft.line, refused.field, str(refused), draft.raw)
        else:
            report.count("updated" if has_changed else "unchanged")


def _put(organization: Organization, cells: Cells, ids: dict[str, int], source: str, by: User | None) -> bool:
    """Whether the line said anything new; the plan comes first, because it alone can still be refused."""
    has_changed = False
    if plan := _plan(cells, source):
        has_changed |= organizations.put_on_plan(organization, plan, by=by)
    details = _details(cells)
    if "name" in cells:
        details["name"] = cells["name"]
    if "parent" in cells:
        details["parent_id"] = ids[cells["parent"]]
    has_changed |= organizations.change(organization, by=by, **details)
    if keys := product_keys(cells):
        has_changed |= organizations.set_products(organization, keys, by=by)
    if csm := _csm(cells):
        has_changed |= organizations.assign(organization, csm, by=by)
    return has_changed


def _details(cells: Cells) -> dict[str, Any]:
    details: dict[str, Any] = {
        name: cells[name] for name in ("industry", "region", "scorecard") if name in cells
    }
    if "seats" in cells:
        details["seats"] = int(cells["seats"])
    return details


def _plan(cells: Cells, source: str) -> PlanInterval | None:
    if "plan" not in cells:
        return None
    return PlanInterval(
        plan=cells["plan"].lower(),
        starts_at=midnight(cells["plan_from"]),
        ends_at=midnight(cells["plan_to"]) if "plan_to" in cells else None,
        source=source[:80],
    )


def _csm(cells: Cells) -> str:
    return cells.get("csm", "").lower()
