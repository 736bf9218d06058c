"""Speed, as ratios measured in one run; never an assertion with a clock."""
