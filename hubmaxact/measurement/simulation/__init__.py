"""Activations rounded as served, simulated: what quantized maps read, while the model runs."""
