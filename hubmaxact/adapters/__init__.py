"""What a LoRA adapter adds to which weights of its base, told from its configuration and headers.

Knows no torch: `measurement.checkpoint` reads the tensors and adds them.
"""
