"""A README edited between our markers and nowhere else."""
