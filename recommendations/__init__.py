"""What to do about it: plays, advice, alerts. Sees `scoring` and `accounts`, never the pages."""
