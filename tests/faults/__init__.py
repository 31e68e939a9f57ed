"""Disks that fail, and processes that are killed, at every call that changes a file."""
