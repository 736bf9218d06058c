"""What can go wrong in the engine, named for what went wrong."""


class ScoringError(Exception):
    """The engine was asked for something it cannot answer."""


class PanelInvalid(ScoringError):
    """The arrays of a panel do not fit each other or the scorecard."""


class ScorecardInvalid(ScoringError):
    """A scorecard file that cannot be used; `problems` holds every (path, message) found in it."""

    def __init__(self, problems: list[tuple[str, str]]) -> None:
        self.problems = tuple(problems)
        super().__init__("\n".join(f"{path}: {message}" for path, message in self.problems))
