"""Organizations as they come and change: the customer, its plans over time, products, parent, our people.

Closed ones stay in the database and are closed to everybody: `Organization.objects` does not know them.
"""

from accounts.organizations.assigning import assign, hand_over, holders_from, person, staff
from accounts.organizations.coming import Newcomer, Slugs, create, create_all
from accounts.organizations.facts import (
    change,
    edit,
    find_one,
    known_products,
    products,
    put_below,
    retired,
    set_products,
)
from accounts.organizations.plans import (
    PlanOverlap,
    add_plan,
    change_plan,
    end_plan,
    move_to_plan,
    put_on_plan,
    spoken,
    withdraw_plan,
)
from accounts.organizations.refusals import OrganizationRefused
from accounts.organizations.written import hat

__all__ = [
    "Newcomer",
    "OrganizationRefused",
    "PlanOverlap",
    "Slugs",
    "add_plan",
    "assign",
    "change",
    "change_plan",
    "create",
    "create_all",
    "edit",
    "end_plan",
    "find_one",
    "hand_over",
    "hat",
    "holders_from",
    "known_products",
    "move_to_plan",
    "person",
    "products",
    "put_below",
    "put_on_plan",
    "retired",
    "set_products",
    "spoken",
    "staff",
    "withdraw_plan",
]
