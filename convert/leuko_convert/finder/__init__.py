"""The finder's network: `leuko-convert --finder` and `leuko-check --finder`."""
