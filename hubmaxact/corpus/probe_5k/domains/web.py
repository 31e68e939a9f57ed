"""The domain `web`: forums, shops, news, advice, diaries, adverts."""

from hubmaxact.corpus.probe_5k.pages import page_writer

GENRES = ("forum", "news", "shop", "guide", "blog", "faq", "job")
WRITERS = tuple(page_writer("web.txt", genre) for genre in GENRES)
