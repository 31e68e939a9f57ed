"""A checkpoint larger than memory: layers outside, batches inside, one layer's weights at a time."""
