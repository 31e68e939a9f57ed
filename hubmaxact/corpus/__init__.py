"""Texts to measure with: named, versioned, digest-pinned.

`load` knows the embedded corpus `probe-5k`, the paper's corpus, JSONL files and Hub data sets;
`reading` does the same beside other work.
Importing it loads neither torch nor a tokenizer.
"""

from hubmaxact.corpus.load import load, reading
from hubmaxact.corpus.texts import Corpus, Text

__all__ = ["Corpus", "Text", "load", "reading"]
