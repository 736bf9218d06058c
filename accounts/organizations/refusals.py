"""What is said when a change to an organization cannot be; each names the field."""


class OrganizationRefused(ValueError):
    """A change to an organization that cannot be; names the field."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(message)
        self.field = field
