"""What holds for every run of the tests.

With CAIRN_STRICT=1 a skipped test is a failure, so that a green run hides nothing: .ci/run sets it.

Let through is a skip alone that says where the test does run: "only on PostgreSQL", "only on macOS".
"""

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

# How long an example takes says how busy the machine is, not whether it holds.
settings.register_profile("cairn", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("cairn")

ALLOWED = "only on "


def pytest_configure(config: pytest.Config) -> None:
    if os.environ.get("CAIRN_STRICT") == "1":
        config.pluginmanager.register(Strict(), "cairn-strict")


class Strict:
    """Turns skips into failures, of single tests and of whole files."""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        return refuse((yield))

    @pytest.hookimpl(wrapper=True)
    def pytest_make_collect_report(self) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
        return refuse((yield))


def refuse[Report: (pytest.TestReport, pytest.CollectReport)](report: Report) -> Report:
    """The same report, failed if it was a skip without a place where the test runs."""
    if report.skipped and isinstance(report.longrepr, tuple):  # an expected failure has no such tuple
        reason = report.longrepr[2].removeprefix("Skipped: ")
        if not reason.startswith(ALLOWED):
            report.outcome = "failed"
            report.longrepr = f"Skipped although CAIRN_STRICT=1: {reason}"
    return report
