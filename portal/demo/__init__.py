"""Forty invented customers with two years of telemetry: what `make demo` shows and what tests look at.

It writes files and lets the usual commands take them in; no measurement and no score is made here.
"""

from portal.demo.loading import DemoRefused, is_loaded, load
from portal.demo.people import SIGN_INS
from portal.demo.states import STATES, Shown

__all__ = ["SIGN_INS", "STATES", "DemoRefused", "Shown", "is_loaded", "load"]
