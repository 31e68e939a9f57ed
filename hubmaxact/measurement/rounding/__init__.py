"""Rounding tensors to the formats of deployment, value for value as kernels and tools do."""
