"""An independent check on the measuring core: everything recomputed, in the plainest way.

`texts`, `tiny` and `families` make inputs, `batches`, `capture` and `brute` recompute a measurement
from the specification with hooks of their own. Nothing here but the tests imports hubmaxact.
"""
