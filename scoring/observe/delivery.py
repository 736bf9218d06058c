"""One delivery from file to table: read, check, store, report; all of it counts or none of it does."""

import sqlite3
from collections.abc import Callable, Iterator, Sequence
from datetime import date, timedelta
from pathlib import Path

from django.db import transaction

from accounts.rows import FileRefused, Table, open_table
from scoring.models import Batch, Source
from scoring.observe.checking import OLDEST, Arrivals, Check, slices
from scoring.observe.gathering import gathered
from scoring.observe.maps import Map, read_map
from scoring.observe.reasons import IngestRefused
from scoring.observe.report import Report
from scoring.observe.storing import Store

LONG_FORM = ("organization", "metric", "day", "value")
SLICE = 200_000  # lines stored at a time, and what the last block brought: what bounds the memory

Window = tuple[date, date]
Progress = Callable[[int, float], None]  # lines so far, share of the file read


def ingest(
    path: str | Path,
    *,
    today: date,
    map_path: str | Path | None = None,
    source: str = "",
    complete: Window | None = None,
    are_corrections: bool = False,
    is_dry_run: bool = False,
    progress: Progress = lambda lines, share: None,
) -> Report:
    """What became of the file's lines; observations and their batch are committed together.

    today      the UTC day it is; days after tomorrow are refused
    complete   first and last day of a window in which absence means zero (SCORING §13)
    raises     IngestRefused with nothing written, when the file or the map as a whole cannot be used
    """
    mapping = read_map(map_path) if map_path else None
    complete = complete or (mapping.complete if mapping else None)
    _check_window(complete, today)
    try:
        table = open_table(path, delimiter=mapping.delimiter if mapping else ",")
    except FileRefused as refused:
        raise IngestRefused(str(refused)) from refused
    try:
        columns = _columns(table, mapping)
        key = source or (mapping.source if mapping else "") or "files"
        if len(key) > 80:
            raise IngestRefused(f"The source is named in 80 characters or fewer, not {key!r}.")
        report = Report(file=table.name, source=key, is_dry_run=is_dry_run)
        with transaction.atomic():
            _deliver(table, columns, mapping, report, complete, today, are_corrections, progress)
            # The same work, undone: so a dry run cannot report anything else.
            transaction.set_rollback(is_dry_run)
    except FileRefused as refused:
        raise IngestRefused(str(refused)) from refused
    except sqlite3.Error as error:  # of gathering; the database of the portal raises Django's own
        raise IngestRefused(f"{table.name} could not be gathered in a temporary file: {error}.") from error
    finally:
        table.close()
    if is_dry_run:
        report.batch = None
    return report


def _deliver(
    table: Table,
    columns: Sequence[str],
    mapping: Map | None,
    report: Report,
    complete: Window | None,
    today: date,
    are_corrections: bool,
    progress: Progress,
) -> None:
    """Store what the table holds and fill in the report and its Batch row."""
    source, _ = Source.objects.get_or_create(key=report.source)
    batch = Batch.objects.create(source=source, file_name=report.file[:255])
    check = Check(today)
    if mapping:
        mapping.know(check.metrics)
        arriving = gathered(table, columns, mapping, check, report, are_corrections, progress)
    else:
        arriving = _long_form(table, columns, check, report, are_corrections, progress)
    with Store(batch, report) as store:
        for arrivals in slices(arriving, SLICE):
            store.store(arrivals)
    report.batch = batch.pk
    report.metrics = sorted(check.seen | set(mapping.keys if mapping else ()))
    _declare(table, report, complete)
    _close(batch, report)


def _long_form(
    table: Table,
    columns: Sequence[str],
    check: Check,
    report: Report,
    are_corrections: bool,
    progress: Progress,
) -> Iterator[Arrivals]:
    """Organization, metric, day, value: every line is an observation."""
    for block in table.blocks(columns, only_these=True):
        arrivals = Arrivals(faults=block.faults)
        check.rows(block, arrivals, are_corrections=are_corrections)
        report.lines += len(arrivals) + len(arrivals.faults)
        report.used += len(arrivals)
        report.observations += len(arrivals)
        report.quarantined += len(arrivals.faults)
        progress(report.lines, table.share_read)
        yield arrivals


def _columns(table: Table, mapping: Map | None) -> Sequence[str]:
    """The columns to read; raises IngestRefused when the file has not all of them."""
    wanted = mapping.columns if mapping else LONG_FORM
    there = ", ".join(table.columns or ())
    if missing := table.lacks(wanted):
        hint = "" if mapping else " Another table needs a map (--map)."
        raise IngestRefused(f"{table.name} has no column {missing[0]!r}; it has {there}.{hint}")
    if mapping:
        return wanted
    if table.columns is None:
        return (*LONG_FORM, "correction")
    # A misspelled "correction" read over would turn every correction into a conflict.
    if unknown := [name for name in table.columns if name not in (*LONG_FORM, "correction")]:
        raise IngestRefused(
            f"{table.name} has a column {unknown[0]!r} that the long form does not know:"
            f" {', '.join(LONG_FORM)} and optionally correction. Another table needs a map (--map)."
        )
    return (*LONG_FORM, "correction") if "correction" in table.columns else LONG_FORM


def _check_window(complete: Window | None, today: date) -> None:
    if complete is None:
        return
    first, last = complete
    if first > last:
        raise IngestRefused(f"The complete window ends before it begins: {first}..{last}.")
    if first < OLDEST:
        raise IngestRefused(f"The complete window begins before {OLDEST}: {first}..{last}.")
    if last > today + timedelta(days=1):
        raise IngestRefused(f"The complete window ends in the future: {first}..{last}; today is {today}.")


def _declare(table: Table, report: Report, complete: Window | None) -> None:
    """A file that was cut cannot say that what is absent did not happen."""
    if table.is_truncated:
        report.notes.append(
            "the file is cut off: what came before the cut was used; send the whole file again"
        )
        if complete:
            report.notes.append(
                "its window was not declared complete, because the end of the file is missing"
            )
        return
    report.complete = complete
    if complete and not report.metrics:
        report.notes.append("the window declares nothing: the file names no metric")
    if complete and report.quarantined:
        report.notes.append(
            "lines were quarantined in a delivery declared complete: until they are sent again, "
            "what they held may count as zero"
        )


def _close(batch: Batch, report: Report) -> None:
    names = ("lines", "accepted", "corrected", "duplicate", "conflicting")
    counts = {name: getattr(report, name) for name in names}
    counts["quarantined"] = report.quarantined + report.refused_observations
    first, last = report.complete or (None, None)
    Batch.objects.filter(pk=batch.pk).update(
        metrics=report.metrics, complete_from=first, complete_to=last, **counts
    )
