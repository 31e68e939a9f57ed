"""The embedded corpus `probe-5k`: 5,000 synthetic texts, made when asked for.

Every text is a function of its place in `places` alone, so a prefix is made without the rest.
What is made is checked against the digests the package pins, window by window. Nothing here
claims that these texts excite a network as natural ones do.
"""

from hubmaxact.corpus.probe_5k.make import make_text
from hubmaxact.corpus.probe_5k.makers import ahead
from hubmaxact.corpus.probe_5k.pins import NAME, VERSION, load

__all__ = ["NAME", "VERSION", "ahead", "load", "make_text"]
