"""Reports held against each other, and a report held against limits. No torch, no network."""
