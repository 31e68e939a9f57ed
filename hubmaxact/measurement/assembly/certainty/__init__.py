"""How sure M is: exact for subsets of the corpus, inferred beyond it where a tail bears that."""
