"""What became of a delivery, in counts that add up, as text for a person and as stable JSON."""

from collections import Counter
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from accounts.rows import Fault


@dataclass
class Report:
    """Every line of a file, accounted for.

    lines          = used + filtered + quarantined
    observations   = accepted + corrected + duplicate + conflicting + refused

    In the long form a used line is one observation, so `refused` is 0. With a map the used lines are gathered
    into observations, and `refused` are those whose sum, count or mean cannot be.
    """

    file: str
    source: str
    is_dry_run: bool = False
    batch: int | None = None
    lines: int = 0
    used: int = 0
    filtered: int = 0
    quarantined: int = 0
    observations: int = 0
    accepted: int = 0
    corrected: int = 0
    duplicate: int = 0
    conflicting: int = 0
    refused_observations: int = 0
    metrics: list[str] = field(default_factory=list)
    complete: tuple[date, date] | None = None
    reasons: Counter[str] = field(default_factory=Counter)
    refused: list[Fault] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        return self.lines == self.used + self.filtered + self.quarantined and self.observations == (
            self.accepted + self.corrected + self.duplicate + self.conflicting + self.refused_observations
        )

    def as_json(self) -> dict[str, Any]:
        """The report for programs; keys are only ever added."""
        return {
            "file": self.file,
            "source": self.source,
            "dry_run": self.is_dry_run,
            "batch": self.batch,
            "lines": self.lines,
            "used": self.used,
            "filtered": self.filtered,
            "quarantined": self.quarantined,
            "observations": self.observations,
            "accepted": self.accepted,
            "corrected": self.corrected,
            "duplicate": self.duplicate,
            "conflicting": self.conflicting,
            "refused": self.refused_observations,
            "metrics": self.metrics,
            "complete": [day.isoformat() for day in self.complete] if self.complete else None,
            "reasons": dict(sorted(self.reasons.items())),
            "details": [
                {"line": fault.line, "field": fault.field, "reason": str(fault.code), "raw": fault.raw}
                for fault in self.refused
            ],
            "notes": self.notes,
        }

    def as_text(self) -> str:
        """The report for the person who ran it."""
        out = [
            f"{self.file} from {self.source}" + (": dry run, nothing was written" if self.is_dry_run else "")
        ]
        out += [
            f"{count:>12,} {indent}{word}"
            for count, indent, word, is_always in (
                (self.lines, "", "lines read", True),
                (self.used, "  ", "used", True),
                (self.filtered, "  ", "left out by the map, or without a number", False),
                (self.quarantined, "  ", "quarantined", True),
                (self.observations, "", "observations", True),
                (self.accepted, "  ", "accepted", True),
                (self.corrected, "  ", "corrected", True),
                (self.duplicate, "  ", "duplicate", True),
                (self.conflicting, "  ", "conflicting", True),
                (self.refused_observations, "  ", "refused", False),
            )
            if count or is_always
        ]
        if self.complete:
            metrics = ", ".join(self.metrics) or "no metric"
            out.append(f"complete {self.complete[0]} to {self.complete[1]} for {metrics}")
        if self.reasons:
            out.append(
                "refused: " + ", ".join(f"{count:,} {code}" for code, count in sorted(self.reasons.items()))
            )
        for fault in self.refused[:20]:
            where = f" {fault.field}" if fault.field else ""
            out.append(f"  line {fault.line}: {fault.code}{where}: {fault.raw[:100]}")
        if sum(self.reasons.values()) > 20:
            out.append(f"  … all of them are in the quarantine of batch {self.batch}")
        return "\n".join(out + [f"note: {note}" for note in self.notes])
