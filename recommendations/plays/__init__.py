"""The playbook as a value: files of plays in, checked plays out. No database, no clock, no tenant."""

from recommendations.plays.reading import FILES, digest_of, read, shipped_texts, shows_after
from recommendations.plays.values import (
    Horizon,
    Link,
    LinkKind,
    Play,
    Playbook,
    PlaybookInvalid,
    Prior,
    Scope,
    Standing,
    Trigger,
)
from recommendations.plays.writing import (
    Difference,
    differences,
    parse,
    renewed,
    table_of,
    with_change,
    with_standing,
    write,
)

__all__ = [
    "FILES",
    "Difference",
    "Horizon",
    "Link",
    "LinkKind",
    "Play",
    "Playbook",
    "PlaybookInvalid",
    "Prior",
    "Scope",
    "Standing",
    "Trigger",
    "differences",
    "digest_of",
    "parse",
    "read",
    "renewed",
    "shipped_texts",
    "shows_after",
    "table_of",
    "with_change",
    "with_standing",
    "write",
]
