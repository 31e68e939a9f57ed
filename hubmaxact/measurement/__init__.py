"""From a checkpoint to a report: all that needs torch, and nothing that a reader needs."""
