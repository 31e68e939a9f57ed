"""Tensors on a CPU, each read once from memory by loops that numba compiles."""
