"""`leuko-check --bench`: the full network and the one that ships, under every runtime, on this machine, in one run."""
