"""Loops over numbers on a CPU: how they are compiled and shared by threads. Knows no numbers."""
