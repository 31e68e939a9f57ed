"""The command line: one file per command; parsing here, deciding in the library."""
