"""Facts from other systems: every row checked, the good ones upserted, every line accounted for; and out."""

from accounts.intake.customers import import_organizations
from accounts.intake.export import export_organizations
from accounts.intake.maps import IntakeRefused
from accounts.intake.report import IntakeReport
from accounts.intake.uploads import TakenAlready, receive, take, waiting

__all__ = [
    "IntakeRefused",
    "IntakeReport",
    "TakenAlready",
    "export_organizations",
    "import_organizations",
    "receive",
    "take",
    "waiting",
]
