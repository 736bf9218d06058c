"""Forms take the fields they have, each once, and say so of anything else."""

import pytest
from django import forms
from django.http import QueryDict

from portal.pages.strict import Strict


class Ask(Strict):
    """One value, several values, and a name its page reads by itself."""

    also = frozenset({"do"})
    many = frozenset({"who"})

    name = forms.CharField(required=False, label="Name", max_length=3)
    who = forms.CharField(required=False)
    products = forms.MultipleChoiceField(required=False, choices=[("a", "a"), ("b", "b")])


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ("name=x", []),
        ("name=x&do=1&csrfmiddlewaretoken=t", []),
        ("who=1&who=2&products=a&products=b", []),
        ("name=x&points=100", ["“points” is not a field of this form."]),
        ("next=/", ["“next” is not a field of this form."]),
        ("name=x&name=y", ["“name” was sent twice."]),
        ("name=long", ["Name: Ensure this value has at most 3 characters (it has 4)."]),
        (f"{'k' * 60}=1", [f"“{'k' * 40}” is not a field of this form."]),
    ],
    ids=["field", "also", "many", "foreign", "next", "twice", "invalid", "long name"],
)
def test_form_names_what_it_does_not_take(sent, said):
    assert Ask(QueryDict(sent)).problems == said


def test_plain_dictionary_is_taken_as_well():
    assert Ask({"name": "x"}).is_valid()
    assert not Ask({"name": "x", "more": "y"}).is_valid()
