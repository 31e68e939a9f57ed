"""A checkpoint larger than memory: layers outside, batches inside, one layer loaded at a time."""
