"""Strangers' code in a process of its own: no network, no token, no file that it has no use for."""
