"""One read of a tensor on an NVIDIA GPU."""
