"""Tests of comparing reports; `releases` is shared with those of the gate."""
