"""Tests of the Space; `space.serving` runs it for any test that needs a page on a server."""
