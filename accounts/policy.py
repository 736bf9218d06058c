"""Who may do what, generated from the door's own tables: for people, the README and other programs."""

from typing import Any

from accounts.access import (
    ADMIN,
    AUDITOR,
    CUSTOMER_ROLES,
    LEAD,
    MAY,
    NEEDS,
    Capability,
    Needs,
    called,
    opened_by,
)
from accounts.models import Plan, Role

# Where a role holds, said where it may do something.
WHERE: dict[str, str] = {
    Role.CONTACT: "own",
    Role.TRAINING_ADMIN: "own",
    Role.VIEWER: "own",
    Role.PARTNER: "own, until a date",
    Role.CSM: "portfolio",
    Role.GUIDE: "assigned",
    LEAD: "team's portfolios",
    ADMIN: "all",
    AUDITOR: "all",
}


def needs(role: str, capability: Capability) -> list[str]:
    """What binds this role besides, in order."""
    return [str(each) for each in NEEDS.get(capability, ())] if role in CUSTOMER_ROLES else []


def matrix() -> dict[str, Any]:
    """Every role and capability: where the role holds and what it needs besides, or None if it may not."""
    return {
        "roles": {
            str(role): {
                str(capability): {"where": WHERE[role], "needs": needs(role, capability)}
                if capability in able
                else None
                for capability in Capability
            }
            for role, able in MAY.items()
        },
        "plans": {str(plan): sorted(map(str, opened_by(plan))) for plan in Plan},
        "needs": [str(each) for each in Needs],
    }


def table() -> str:
    """The same as a table of Markdown: a row for each capability, a column for each role."""
    lines = [
        ["", *(called([role]) for role in MAY)],
        ["---"] * (len(MAY) + 1),
        *([str(capability), *(cell(role, capability) for role in MAY)] for capability in Capability),
    ]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cell(role: str, capability: Capability) -> str:
    """own; plan, product"""
    if capability not in MAY[role]:
        return "–"
    return "; ".join(filter(None, [WHERE[role], ", ".join(needs(role, capability))]))
