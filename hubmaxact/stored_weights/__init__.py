"""How releases store quantized weights: which tensors hold one, by what formula, and what says so.

Facts and names alone: knows no torch, reads no file.
"""
