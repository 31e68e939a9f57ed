"""Ways to fold watched tensors into statistics; all of them end in the same state."""
