"""A report against limits: what a pipeline asks before it publishes or accepts a checkpoint."""
