"""Checked numbers into the table: which value counts, and what becomes of every other one (SCORING §13).

The table is changed by this module alone. On both databases a slice first goes into a temporary table:
COPY straight into a walled table is refused, and a duplicate shows only beside what is stored.
"""

from itertools import batched, groupby
from operator import itemgetter
from typing import Any

from django.db import connection

from accounts.models import Organization
from accounts.rows import Fault
from scoring.models import Batch, Correction, Metric, Quarantine
from scoring.observe.checking import Arrival, Arrivals
from scoring.observe.reasons import Reason
from scoring.observe.report import Report

SHOWN = 100  # refused lines that the report itself names; all of them are in the quarantine
KEY = itemgetter(0, 1, 2)
Key = tuple[int, int, str]

# WHERE true: SQLite would read ON CONFLICT as part of a join without it.
INSERT = """INSERT INTO scoring_observation (organization_id, metric_id, day, value, batch_id)
    SELECT organization_id, metric_id, day, value, %s FROM arrived WHERE true ON CONFLICT DO NOTHING"""
CLASHES = """SELECT a.organization_id, a.metric_id, a.day, o.value FROM arrived a JOIN scoring_observation o
    ON o.organization_id = a.organization_id AND o.metric_id = a.metric_id AND o.day = a.day
    WHERE o.value <> a.value"""
STORED = """SELECT o.organization_id, o.metric_id, o.day, o.value, o.batch_id
    FROM arrived a JOIN scoring_observation o
    ON o.organization_id = a.organization_id AND o.metric_id = a.metric_id AND o.day = a.day"""
FILL = "INSERT INTO arrived (organization_id, metric_id, day, line, value) VALUES (%s, %s, %s, %s, %s)"
COPY = "COPY arrived (organization_id, metric_id, day, line, value) FROM STDIN"
REPLACE = """UPDATE scoring_observation SET value = a.value, batch_id = %s FROM arrived a
    WHERE scoring_observation.organization_id = a.organization_id
    AND scoring_observation.metric_id = a.metric_id AND scoring_observation.day = a.day"""


class Store:
    """One delivery being stored: its batch, its counts and its temporary table, inside one transaction."""

    def __init__(self, batch: Batch, report: Report) -> None:
        self.batch, self.report = batch, report
        self.is_postgresql = connection.vendor == "postgresql"
        self._refused: list[Quarantine] = []
        self._names: tuple[dict[int, str], dict[int, str]] | None = None

    def __enter__(self) -> "Store":
        self.cursor = connection.cursor()
        self.cursor.execute(
            "CREATE TEMPORARY TABLE arrived (organization_id bigint, metric_id smallint, day date,"
            " value double precision, line bigint)"
        )
        return self

    def __exit__(self, kind: Any, *_: object) -> None:
        if kind is None:  # else the rollback takes it away
            self._flush()
            self.cursor.execute("DROP TABLE arrived")
        self.cursor.close()

    def store(self, arrivals: Arrivals) -> None:
        """Store one slice and count what became of each of its lines."""
        for fault in sorted(arrivals.faults, key=lambda fault: fault.line):
            self.refuse(fault)
        corrected = set(map(KEY, arrivals.corrections))
        plain = arrivals.plain
        if corrected:
            self._correct([a for a in plain if KEY(a) in corrected], arrivals.corrections)
            plain = [a for a in plain if KEY(a) not in corrected]
        self._add(plain)

    def refuse(self, fault: Fault) -> None:
        """Keep a line with its reason; what refuses it has counted it."""
        self._refused.append(
            Quarantine(
                batch=self.batch, line=fault.line, reason=fault.code, field=fault.field[:80], raw=fault.raw
            )
        )
        self.report.reasons[fault.code] += 1
        if len(self.report.refused) < SHOWN:
            self.report.refused.append(fault)
        if len(self._refused) >= 2000:
            self._flush()

    def _add(self, plain: list[Arrival]) -> None:
        """Lines that claim to be the first value of their key; the earliest of a file is."""
        plain.sort()
        firsts: list[Arrival] = []
        repeats: list[Arrival] = []
        last = None
        for arrival in plain:
            key = arrival[:3]
            (repeats if key == last else firsts).append(arrival)
            last = key
        if not firsts:
            return
        self._fill(firsts)
        self.cursor.execute(INSERT, [self.batch.pk])
        accepted = self.cursor.rowcount
        self.report.accepted += accepted
        clashes: dict[Key, float] = {}
        if accepted < len(firsts):
            # Those that stayed out met a stored value: the same is a duplicate, another a conflict.
            self.cursor.execute(CLASHES)
            clashes = {(*key, str(day)): value for *key, day, value in self.cursor.fetchall()}
        self.report.duplicate += len(firsts) - accepted - len(clashes)
        if clashes:
            # By key, not by line: through a map one line may begin several observations.
            for arrival in firsts:
                if arrival[:3] in clashes:
                    self._conflict(arrival, clashes[arrival[:3]])
        if repeats:
            standing = {a[:3]: clashes.get(a[:3], a[4]) for a in firsts}
            for arrival in repeats:
                self._meets(arrival, standing[arrival[:3]])

    def _correct(self, plain: list[Arrival], corrections: list[Arrival]) -> None:
        """Lines of keys that this slice corrects, one after another as the file has them."""
        is_correction = {arrival[3] for arrival in corrections}
        groups = [(key, list(lines)) for key, lines in groupby(sorted(plain + corrections), key=KEY)]
        self._fill([lines[0] for _, lines in groups])
        # The first line of a key that is not stored is simply accepted, correction or not.
        self.cursor.execute(INSERT + " RETURNING organization_id, metric_id, day", [self.batch.pk])
        fresh = {(organization, metric, str(day)) for organization, metric, day in self.cursor.fetchall()}
        self.cursor.execute(STORED + (" FOR UPDATE OF o" if self.is_postgresql else ""))
        stored = {
            (organization, metric, str(day)): (value, batch)
            for organization, metric, day, value, batch in self.cursor.fetchall()
        }
        self.report.accepted += len(fresh)
        replaced, log = [], []
        for key, lines in groups:
            value, batch = before = stored[key]
            for arrival in lines[1:] if key in fresh else lines:
                if arrival[3] not in is_correction or arrival[4] == value:
                    self._meets(arrival, value)
                    continue
                log.append(self._correction(key, value, batch))
                value, batch = arrival[4], self.batch.pk
                self.report.corrected += 1
            if (value, batch) != before:
                replaced.append((*key, 0, value))
        if log:
            Correction.objects.bulk_create(log, batch_size=2000)
            self._fill(replaced)
            self.cursor.execute(REPLACE, [self.batch.pk])

    def _correction(self, key: Key, value: float, batch: int) -> Correction:
        organization, metric, day = key
        return Correction(
            organization_id=organization,
            metric_id=metric,
            day=day,
            value=value,
            batch_id=batch,
            replaced_by=self.batch,
        )

    def _meets(self, arrival: Arrival, stored: float) -> None:
        if arrival[4] == stored:
            self.report.duplicate += 1
        else:
            self._conflict(arrival, stored)

    def _conflict(self, arrival: Arrival, stored: float) -> None:
        organization, metric, day, line, value = arrival
        organizations, metrics = self._known_names()
        raw = f"{organizations[organization]},{metrics[metric]},{day},{value!r} (stored: {stored!r})"
        self.report.conflicting += 1
        self.refuse(Fault(line, Reason.CONFLICT, "value", raw))

    def _known_names(self) -> tuple[dict[int, str], dict[int, str]]:
        if self._names is None:
            self._names = (
                dict(Organization.objects.order_by().values_list("pk", "external_id")),
                dict(Metric.objects.order_by().values_list("pk", "key")),
            )
        return self._names

    def _fill(self, arrivals: list[Arrival]) -> None:
        """Put these, and only these, into the temporary table."""
        if not self.is_postgresql:
            self.cursor.execute("DELETE FROM arrived")
            self.cursor.executemany(FILL, arrivals)
            return
        self.cursor.execute("TRUNCATE arrived")
        with self.cursor.copy(
            "COPY arrived (organization_id, metric_id, day, line, value) FROM STDIN"
        ) as copy:
            for some in batched(arrivals, 10_000):
                copy.write(
                    "".join([f"{o}\t{m}\t{day}\t{line}\t{value!r}\n" for o, m, day, line, value in some])
                )
        self.cursor.execute("ANALYZE arrived")

    def _flush(self) -> None:
        Quarantine.objects.bulk_create(self._refused, batch_size=2000)
        self._refused.clear()
