"""Reports held against each other. No torch, no network."""
