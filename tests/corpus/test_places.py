from collections import Counter

import pytest

from hubmaxact.corpus.probe_5k.places import DOMAINS, NUM_TEXTS, places

CAP_SHARES = {256: 50, 512: 50, 1024: 100, 2048: 150, 4096: 4650}


def test_the_whole_corpus_has_the_papers_mix_of_domains_and_lengths():
    assert Counter(place.domain for place in places()) == {
        "math": 850,
        "code": 850,
        "web": 850,
        "knowledge": 850,
        "chinese": 400,
        "minority_scripts": 300,
        "other": 900,
    }
    assert Counter(place.cap for place in places()) == CAP_SHARES


@pytest.mark.parametrize(
    ("key", "shares", "bound"),
    [("domain", DOMAINS, 1.0), ("cap", CAP_SHARES, 2.1)],
)
def test_every_prefix_is_within_a_text_or_two_of_each_share(key, shares, bound):
    seen = Counter()
    for size, place in enumerate(places(), start=1):
        seen[getattr(place, key)] += 1
        for name, count in shares.items():
            assert abs(seen[name] - count * size / NUM_TEXTS) < bound, (name, size)


def test_turns_count_the_texts_of_a_domain():
    turns = [place.turn for place in places() if place.domain == "chinese"]
    assert turns == list(range(400))


def test_short_texts_fall_on_every_domain():
    short = Counter(place.domain for place in places() if place.cap < 4096)
    for domain, count in DOMAINS.items():
        assert 0.3 < short[domain] / (0.07 * count) < 2.0
