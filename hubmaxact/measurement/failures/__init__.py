"""What stops a run that no check could foresee: memory that runs out, a model's own errors."""
