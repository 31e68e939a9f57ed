"""A measurement in a process that the checkpoint's own code cannot leave."""
