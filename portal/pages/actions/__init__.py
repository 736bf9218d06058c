"""The Actions hub of one organization: what to do next, how it stands, and what it brought."""
