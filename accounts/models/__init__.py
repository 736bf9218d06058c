"""The facts about customers; the only import path others use."""

from accounts.models.audit import Action, Actor, AuditEntry, AuditRetirement, AuditSeal, Result
from accounts.models.connections import Certificate, Connection, Identity
from accounts.models.feedback import Feedback, FeedbackKind
from accounts.models.goals import Emphasis, Matters, Target
from accounts.models.installation import Installation
from accounts.models.invitations import Invitation
from accounts.models.notes import LONGEST_NOTE, Note
from accounts.models.organizations import (
    Organization,
    OrganizationFact,
    Plan,
    PlanInterval,
    Product,
    RetiredSlug,
)
from accounts.models.people import Membership, Role, Team, User
from accounts.models.reviews import ReviewRequest
from accounts.models.signin import FactorReset, RecoveryCode, SignedIn
from accounts.models.staff import Cover
from accounts.models.uploads import Upload

__all__ = [
    "LONGEST_NOTE",
    "Action",
    "Actor",
    "AuditEntry",
    "AuditRetirement",
    "AuditSeal",
    "Certificate",
    "Connection",
    "Cover",
    "Emphasis",
    "FactorReset",
    "Feedback",
    "FeedbackKind",
    "Identity",
    "Installation",
    "Invitation",
    "Matters",
    "Membership",
    "Note",
    "Organization",
    "OrganizationFact",
    "Plan",
    "PlanInterval",
    "Product",
    "RecoveryCode",
    "Result",
    "RetiredSlug",
    "ReviewRequest",
    "Role",
    "SignedIn",
    "Target",
    "Team",
    "Upload",
    "User",
]
