"""Loops that fill rows of a weight, each read once and written once; numba compiles them."""
