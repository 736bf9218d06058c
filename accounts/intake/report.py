"""What became of the lines of a file of organizations, as text for a person and as stable JSON."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

SHOWN = 1000  # refused lines that the report names


@dataclass(frozen=True)
class Refusal:
    """A line that did not go in."""

    line: int
    field: str
    reason: str
    raw: str


@dataclass
class IntakeReport:
    """Every line accounted for: lines = created + updated + unchanged + repeated + filtered + refused."""

    COUNTS: ClassVar = ("created", "updated", "unchanged", "repeated", "filtered", "refused")

    file: str
    is_dry_run: bool = False
    lines: int = 0
    created: int = 0
    updated: int = 0
    unchanged: int = 0
    repeated: int = 0  # with a map: further lines of an organization that had its line
    filtered: int = 0  # left out by the map
    refused: int = 0
    refusals: list[Refusal] = field(default_factory=list)

    @property
    def adds_up(self) -> bool:
        return self.lines == sum(getattr(self, name) for name in self.COUNTS)

    def count(self, outcome: str) -> None:
        setattr(self, outcome, getattr(self, outcome) + 1)

    def refuse(self, line: int, field_name: str, reason: str, raw: str) -> None:
        self.refused += 1
        if len(self.refusals) < SHOWN:
            self.refusals.append(Refusal(line, field_name, reason, raw))

    def counts(self) -> dict[str, int]:
        """How many lines had which outcome."""
        return {name: getattr(self, name) for name in self.COUNTS}

    def as_json(self) -> dict[str, Any]:
        """The report for programs; keys are only ever added."""
        return {
            "file": self.file,
            "dry_run": self.is_dry_run,
            "lines": self.lines,
            **self.counts(),
            "details": [
                {"line": one.line, "field": one.field, "reason": one.reason, "raw": one.raw}
                for one in self._in_order()
            ],
        }

    def as_text(self) -> str:
        """The report for the person who ran it."""
        out = [self.file + (": dry run, nothing was written" if self.is_dry_run else "")]
        out.append(f"{self.lines:>9,} lines read")
        for name in self.COUNTS:
            if getattr(self, name) or name not in ("repeated", "filtered"):
                out.append(f"{getattr(self, name):>9,} {name}")
        for one in self._in_order():
            where = f" {one.field}:" if one.field else ""
            out.append(f"  line {one.line}:{where} {one.reason}")
        if self.refused > len(self.refusals):
            out.append(f"  … and {self.refused - len(self.refusals):,} more")
        return "\n".join(out)

    def _in_order(self) -> list[Refusal]:
        return sorted(self.refusals, key=lambda one: one.line)
