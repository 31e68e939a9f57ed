"""Stored codes back to weights: a formula for each way of storing them, exact and in pieces.

Knows tensors and what `stored_weights` says of them; nothing of files, models or packages.
"""
