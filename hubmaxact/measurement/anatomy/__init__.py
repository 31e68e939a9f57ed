"""Which module of a checkpoint plays which role."""
