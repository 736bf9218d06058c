"""The cast itself: Orchard, Harbor and Meadow and the people around them, each made when first asked for.

`tests/conftest.py` gives every test a cast of its own; a file that asks hundreds of questions about the same
people makes it once (tests/test_doors.py).
"""

from datetime import UTC, datetime
from functools import cached_property

from accounts.models import Organization, Plan, Role, Team, User
from tests.factories import make_membership, make_organization, make_plan, make_user


class Cast:
    """Who is asked for exists, with whom they need; nobody else does."""

    @cached_property
    def orchard(self) -> Organization:
        """A customer on Signature."""
        organization = make_organization("Orchard", products=["sales", "platform"])
        make_plan(organization)
        return organization

    @cached_property
    def harbor(self) -> Organization:
        """Another customer on Signature: everything of Orchard's is foreign to its people."""
        organization = make_organization("Harbor", products=["sales", "platform"])
        make_plan(organization)
        return organization

    @cached_property
    def meadow(self) -> Organization:
        """A customer on Premier."""
        organization = make_organization("Meadow", products=["sales", "platform"])
        make_plan(organization, Plan.PREMIER)
        return organization

    @cached_property
    def dana(self) -> User:
        """Designated contact of Orchard."""
        user = make_user("dana@orchard.example")
        make_membership(user, self.orchard, Role.CONTACT)
        return user

    @cached_property
    def vera(self) -> User:
        """May only look at Orchard."""
        user = make_user("vera@orchard.example")
        make_membership(user, self.orchard, Role.VIEWER)
        return user

    @cached_property
    def tara(self) -> User:
        """Training administrator of Orchard."""
        user = make_user("tara@orchard.example")
        make_membership(user, self.orchard, Role.TRAINING_ADMIN)
        return user

    @cached_property
    def pat(self) -> User:
        """Partner of Orchard, for a long time."""
        user = make_user("pat@partner.example")
        make_membership(user, self.orchard, Role.PARTNER, ends_at=datetime(2100, 1, 1, tzinfo=UTC))
        return user

    @cached_property
    def frank(self) -> User:
        """Contact of Orchard until the instant he was made one: gone since."""
        user = make_user("frank@orchard.example")
        membership = make_membership(user, self.orchard, Role.CONTACT)
        membership.ends_at = membership.starts_at
        membership.save()
        return user

    @cached_property
    def pia(self) -> User:
        """Contact of Meadow, which is on Premier."""
        user = make_user("pia@meadow.example")
        make_membership(user, self.meadow, Role.CONTACT)
        return user

    @cached_property
    def casey(self) -> User:
        """CSM of Orchard."""
        user = make_user("casey@vendor.example", is_staff=True)
        make_membership(user, self.orchard, Role.CSM)
        return user

    @cached_property
    def lena(self) -> User:
        """Leads the team of Casey; manages nobody herself."""
        self.casey.team = Team.objects.create(name="North")
        self.casey.save()
        return make_user("lena@vendor.example", is_staff=True, is_lead=True, team=self.casey.team)

    @cached_property
    def cole(self) -> User:
        """CSM of Harbor, not of Orchard."""
        user = make_user("cole@vendor.example", is_staff=True)
        make_membership(user, self.harbor, Role.CSM)
        return user

    @cached_property
    def gus(self) -> User:
        """Success guide of Orchard."""
        user = make_user("gus@vendor.example", is_staff=True)
        make_membership(user, self.orchard, Role.GUIDE)
        return user

    @cached_property
    def otto(self) -> User:
        """Auditor of the installation."""
        return make_user("otto@vendor.example", is_staff=True, is_auditor=True)

    @cached_property
    def ada(self) -> User:
        """Administrator of the installation."""
        return make_user("ada@vendor.example", is_staff=True, is_admin=True)

    @cached_property
    def hal(self) -> User:
        """Contact of Harbor: the stranger in every test."""
        user = make_user("hal@harbor.example")
        make_membership(user, self.harbor, Role.CONTACT)
        return user
