"""Rules about how it was measured: the corpus, special tokens, number formats."""

import re
from collections.abc import Iterator

from hubmaxact.printable import shown
from hubmaxact.report.consistency.predicates import told
from hubmaxact.report.document import NAMED_CORPORA, PROBE_5K, CorpusFacts, Report
from hubmaxact.report.problem import Problem
from hubmaxact.report.products import FLOAT32, NATIVE, products_of

PROBE_TEXTS = 5000
PROBE_VERSION = re.compile("[1-9][0-9]*")


def domains_add_up(report: Report) -> Iterator[Problem]:
    """Every text has one domain."""
    corpus = report["protocol"]["corpus"]
    total = sum(corpus["domains"].values())
    if total != corpus["num_samples"]:
        message = f"add up to {total}, but num_samples is {corpus['num_samples']}"
        yield Problem("protocol.corpus.domains", message)


def tokens_fit_samples(report: Report) -> Iterator[Problem]:
    """No text is longer than max_seq_len; a tokenizer may make no token at all of one."""
    corpus, longest = report["protocol"]["corpus"], report["protocol"]["max_seq_len"]
    most = corpus["num_samples"] * longest
    if corpus["num_tokens"] > most:
        message = (
            f"is {corpus['num_tokens']}, but {told(corpus['num_samples'], 'text')} of at most "
            f"{told(longest, 'token')} have at most {most}"
        )
        yield Problem("protocol.corpus.num_tokens", message)


def known_corpora_are_themselves(report: Report) -> Iterator[Problem]:
    """A corpus that hubmaxact names is of its kind; newer versions of it are not judged."""
    corpus = report["protocol"]["corpus"]
    kind = NAMED_CORPORA.get(corpus["name"])
    if kind is None:
        return
    if corpus["kind"] != kind:
        message = f'is {shown(corpus["kind"])}, but the texts of {corpus["name"]} are "{kind}"'
        yield Problem("protocol.corpus.kind", message)
    if corpus["name"] == PROBE_5K:
        yield from _probe(corpus)


def _probe(corpus: CorpusFacts) -> Iterator[Problem]:
    version, num_samples = corpus["version"], corpus["num_samples"]
    if version is None or not PROBE_VERSION.fullmatch(version):
        message = f"is {shown(version)}, but the versions of {PROBE_5K} are whole numbers from 1"
        yield Problem("protocol.corpus.version", message)
    if num_samples > PROBE_TEXTS:
        message = f"is {num_samples}, but {PROBE_5K} has {PROBE_TEXTS} texts"
        yield Problem("protocol.corpus.num_samples", message)


def special_tokens_agree(report: Report) -> Iterator[Problem]:
    """Where nothing is put around a text, no text begins with a special token."""
    specials = report["protocol"]["special_tokens"]
    if specials["policy"] == "none" and specials["bos_added"]:
        yield Problem("protocol.special_tokens.bos_added", 'is true, but policy is "none"')


def products_fit_the_format(report: Report) -> Iterator[Problem]:
    """A run in float32 has no products that could be made in float32 instead."""
    if report["protocol"]["dtype"] == "float32" and products_of(report["environment"]) != NATIVE:
        message = f'is {shown(FLOAT32)}, but in a run in float32 every product is "{NATIVE}"'
        yield Problem("environment.products", message)


def wide_runs_are_rounded(report: Report) -> Iterator[Problem]:
    """A run wider than bf16 has tensors whose counts had to be rounded."""
    dtype, rounded = report["protocol"]["dtype"], report["protocol"]["counts_rounded_to"]
    if dtype != "bfloat16" and rounded is None:
        message = f"is null, but a run in {dtype} counts values rounded to bfloat16"
        yield Problem("protocol.counts_rounded_to", message)
