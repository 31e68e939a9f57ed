"""The domain `knowledge`: reference articles, lives, answers, novels, glossaries, lectures."""

from hubmaxact.corpus.probe_5k.pages import page_writer

GENRES = ("article", "novel", "answers", "life", "article", "essay", "terms")
WRITERS = tuple(page_writer("knowledge.txt", genre) for genre in GENRES)
