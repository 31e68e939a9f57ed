"""Measure how large an open-weight model's activations get, and publish it with the model."""

__version__ = "0.1.0"
