"""Exact, order-free statistics of watched tensors."""
