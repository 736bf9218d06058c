"""Measurements in: files of other systems become observations, and what cannot is kept with its reason.

The one inlet of numbers. It never packs and never scores: the night does (scoring.pack, scoring.run).
"""

from scoring.observe.delivery import ingest
from scoring.observe.reasons import IngestRefused, Reason
from scoring.observe.report import Report

__all__ = ["IngestRefused", "Reason", "Report", "ingest"]
