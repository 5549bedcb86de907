"""Names of a run's files, for readers that need no PyTorch."""

CHECKPOINT, WEIGHTS = "checkpoint.pt", "finder.weights.h5"
