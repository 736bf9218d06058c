"""What a password may not be, besides short or common: a name that anyone would try for this person."""

import re
from typing import Any

from django.conf import settings
from django.core.exceptions import ValidationError

from accounts import installation
from accounts.models import User

LONGEST = 128
SHORTEST_WORD = 4  # a word of three letters stands by chance in many a good password
REST = 8  # characters that must stand besides such words


class NotTooLong:
    """At most 128 characters: hashing an endless one is work that anybody could ask of us."""

    def validate(self, password: str, user: Any = None) -> None:
        if len(password) > LONGEST:
            raise ValidationError(f"This password is too long. It may have {LONGEST} characters.")

    def get_help_text(self) -> str:
        return f"At most {LONGEST} characters."


class NotOurWords:
    """Names that anyone would try first: product, vendor, organization, products, own address."""

    def validate(self, password: str, user: Any = None) -> None:
        rest = password.lower()
        found = [word for word in sorted(words(user), key=len, reverse=True) if word in rest]
        for word in found:
            rest = rest.replace(word, "")
        if found and len(rest) < REST:
            raise ValidationError(
                "This password is little more than a name that others would try: yours, your org's or a "
                "product's. Use words that have nothing to do with it."
            )

    def get_help_text(self) -> str:
        return "Not a name of a product or an org with a little added."


def words(user: Any) -> set[str]:
    """The words that are close at hand for this person."""
    texts = [settings.PRODUCT_NAME, installation.current().vendor_name]
    if isinstance(user, User):
        texts += [user.name, *user.email.replace("@", ".").split(".")[:-1]]
        if user.pk:
            memberships = user.memberships.select_related("organization")
            organizations = [membership.organization for membership in memberships]
            texts += [organization.name for organization in organizations]
            for organization in organizations:
                texts += organization.products.values_list("name", flat=True)
    return {
        word for text in texts for word in re.split(r"[\W_]+", text.lower()) if len(word) >= SHORTEST_WORD
    }
