"""The scorecard as it was before its newest version: the demo's history begins under it."""

NEWEST_DAYS = 17  # days ago, counted from the last one, that the newest version came into force

# What the newest version changed: (as it is now, as it was).
CHANGED = (
    (
        'mark = "ce"\nweight = 20',
        'mark = "ce"\nweight = 25',
    ),
    (
        'mark = "th"\nweight = 30',
        'mark = "th"\nweight = 25',
    ),
    (
        "1,500 ms gives 90, 3,000 ms gives 50",
        "1,200 ms gives 90, 2,600 ms gives 50",
    ),
    (
        "77 means that a page takes 2 seconds on average, 10 that it takes 6.",
        "67 means that a page takes 2 seconds on average.",
    ),
    (
        'metric = "platform.page_time"\ncurve = "lognormal"\np10 = 1500\nmedian = 3000',
        'metric = "platform.page_time"\ncurve = "lognormal"\np10 = 1200\nmedian = 2600',
    ),
)


def older(text: str) -> str:
    """The text of the version before.

    raises  ValueError when the scorecard no longer says what this file knows of
    """
    for now, before in CHANGED:
        if text.count(now) != 1:
            raise ValueError(f"{text.count(now)} times in the scorecard: {now!r}")
        text = text.replace(now, before)
    return text
