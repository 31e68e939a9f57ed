"""A checkpoint on disk or on the Hub: checked as hostile input, then loaded."""
