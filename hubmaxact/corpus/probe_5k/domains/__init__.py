"""The writers of probe-5k, a module for each domain and what it needs."""
