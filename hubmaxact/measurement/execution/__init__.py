"""Batches through the model, and every watched tensor into its statistics."""
