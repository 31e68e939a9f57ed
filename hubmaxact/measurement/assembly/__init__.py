"""From a measurement to a report: the last place with tensors, the first without."""
