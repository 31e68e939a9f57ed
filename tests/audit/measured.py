"""The texts that quantizers calibrate with, and that the same model was measured on."""

TEXTS = ("The quick brown fox", "def f(x):\n    return x + 1", "12 + 30 = 42")
