"""Tests of comparing reports and of holding one to limits; `releases` is shared."""
