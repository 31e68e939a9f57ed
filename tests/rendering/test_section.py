"""The section says what a reader needs, and says nothing a report's text could smuggle in."""

import copy
import re
from html.parser import HTMLParser

import example_reports
import pytest
from markdown_it import MarkdownIt

from hubmaxact.rendering import commands, section
from hubmaxact.rendering.escape import BREAK
from hubmaxact.rendering.escape import text as escaped
from hubmaxact.report.write import digest, report_bytes

REPORTS = {
    "dense": example_reports.dense_report,
    "huge": example_reports.huge_report,
    "moe": example_reports.moe_report,
    "partial": example_reports.partial_report,
    "non_finite": example_reports.non_finite_report,
    "few_samples": example_reports.few_samples_report,
}


@pytest.mark.parametrize("name", REPORTS)
def test_the_section_is_what_it_was(name, golden):
    golden(f"section_{name}.md", section.render(REPORTS[name]()))


@pytest.mark.parametrize("name", REPORTS)
def test_the_section_has_its_parts_in_order(name):
    report = REPORTS[name]()
    text = section.render(report)
    assert text.startswith("## Activation maxima\n\n")
    assert text.endswith("\n")
    assert "<!--" not in text
    sentence, table, picture, shell, *_ = text.split("\n\n")[1:]
    assert sentence.endswith(".")
    assert len(table.splitlines()) == 2 + 4
    assert picture.startswith("![Largest activation of each of")
    assert picture.endswith("](activation_maxima/layers.svg)")
    assert shell.startswith("```sh\n# reproduce\nhubmaxact measure ")
    assert text.count("<details>") == text.count("</details>") == 1
    assert digest(report) in text
    assert "https://arxiv.org/abs/2605.15572" in text
    assert "diagnostic, as in" in text.lower()


def test_the_first_ten_seconds():
    text = section.render(example_reports.dense_report())
    head = text.split("<details>")[0]
    for said in (
        "**-7,968**",
        "hidden state of layer 6",
        "`model.layers.6`, channel 1,234; token 0 (id 151643) of text 0",
        "One bf16 step there is 32.",
        "hidden state of layers 7-33",
        "No watched tensor exceeded 65,504 in 12,582,912 tokens",
        "5,000 texts of `probe-5k`",
        "hubmaxact verify example-org/Example-8B",
    ):
        assert said in head


@pytest.mark.parametrize("name", REPORTS)
def test_no_word_promises_more_than_was_measured(name):
    text = section.render(REPORTS[name]()).lower()
    for word in ("fits", "int8 quality", "int-8 quality", "safe", "lossless"):
        assert word not in text


def test_what_exceeded_fp16_is_named():
    text = section.render(example_reports.huge_report())
    row = next(line for line in text.splitlines() if line.startswith("| **fp16**"))
    assert row == (
        "| **fp16** | Exceeded: 696,320 in the hidden state of layer 6 (`model.layers.6`) "
        "is 10.6 times 65,504. |"
    )


def test_a_gate_beyond_fp16_counts_though_m_is_below():
    sites = [
        example_reports.site(role, layer, peak, width=64, place=(0, 0, 0, 0))
        for role, layer, peak in (
            ("embedding", None, 1),
            ("hidden_state", 0, 12),
            ("mlp_output", 0, 8),
            ("mlp_gate", 0, 70_144),
        )
    ]
    for site in sites:
        site["top"] = site["top"][:1]
    text = section.render(example_reports.assemble(sites, num_layers=1, hidden_size=64))
    assert "Exceeded: 70,144 in the MLP gate of layer 0" in text
    assert "A gate or a router exceeds that limit." in text


def test_a_broken_measurement_says_so_first():
    partial = section.render(example_reports.partial_report()).splitlines()[2]
    assert partial.startswith("This measurement is partial (1 expected tensor never seen): ")
    broken = section.render(example_reports.non_finite_report()).splitlines()[2]
    assert broken.startswith("2 watched tensors held NaN or infinity: among finite values, ")


def test_range_over_mean_and_cv_have_two_names():
    text = section.render(example_reports.dense_report())
    assert "| texts | subsets | M | range / mean | coefficient of variation |" in text
    assert "| 1,000 | 5 | 7,488 to 7,968 | 6.21 % | 3.11 % |" in text


def test_the_reproducing_command_names_every_choice():
    report = example_reports.partial_report(protocol={"dtype": "bfloat16", "batch_tokens": 777})
    command = commands.reproduce(report).replace(" \\\n ", "")
    commit = report["model"]["commit"]
    assert command == (
        f"hubmaxact measure example-org/Example-8B --revision {commit} --corpus probe-5k "
        "--num-samples 5000 --max-seq-len 4096 --special-tokens as_tokenizer --dtype bfloat16 "
        "--batch-tokens 777 --calibration-samples 128 --evaluation-samples 256 --allow-partial"
    )


def test_a_run_on_a_cpu_is_repeated_with_as_many_threads():
    report = example_reports.small_report()
    report["environment"] |= {"device_type": "cpu", "device_name": "x86_64 AVX2 16 threads"}
    assert " --cpu-threads 16" in commands.reproduce(report).replace(" \\\n ", "")


@pytest.mark.parametrize(
    ("name", "version", "option"),
    [
        ("probe-5k", "1", "--corpus probe-5k "),
        ("paper", "0123abc", "--corpus paper "),
        ("owner/texts", "0123abc", "--corpus hf://datasets/owner/texts@0123abc "),
        ("my texts", None, "--corpus 'my texts.jsonl' "),
        ("我的 texts", None, "--corpus '我的 texts.jsonl' "),
        ("मेरे", None, "--corpus 'मेरे.jsonl' "),
        ("a`b", None, "--corpus FILE.jsonl "),
        ("a\u202eb", None, "--corpus FILE.jsonl "),
        ("x" * 300, None, "--corpus FILE.jsonl "),
    ],
)
def test_a_corpus_is_named_as_the_commands_take_it(name, version, option):
    report = example_reports.small_report()
    report["protocol"]["corpus"] |= {"name": name, "version": version}
    assert option in commands.reproduce(report).replace("\\\n", "")
    is_carried = name in {"probe-5k", "paper"}
    assert ("--corpus" in commands.verify(report)) is not is_carried
    assert is_carried or option.strip() in commands.verify(report)


def test_a_local_folder_is_verified_from_the_file():
    report = example_reports.few_samples_report()
    assert commands.reproduce(report).startswith("hubmaxact measure CHECKPOINT --corpus ")
    assert commands.verify(report) == "hubmaxact verify activation_maxima.json CHECKPOINT"


HOSTILE = [
    "|",
    "a`b``c",
    "<img src=x onerror=alert(1)>",
    "](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "<!-- hubmaxact:end -->",
    "---",
    "</details></table><script>alert(1)</script>",
    "https://example.org www.example.org me@example.org",
    "a\n\n# heading\n| a | b |\n```",
    "\u202egnp.exe",
    "\u200bzero\ufeff",
    "$(touch /tmp/x); `id` 'q' \"q\"",
    "{{ 7 * 7 }} *bold* _em_ ~~no~~ \\",
    "x" * 5000,
    "\ud800",
    "\x1b[31mred\x07",
]
ALLOWED = {
    "h2", "p", "strong", "code", "table", "thead", "tbody", "tr", "th", "td", "img", "pre",
    "details", "summary", "a", "br", "em",
}  # fmt: skip


class Tags(HTMLParser):
    """Collects what a browser would build."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.text = set(), set(), []

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.links |= {value for name, value in attrs if name in ("href", "src")}
        assert {name for name, _ in attrs} <= {"href", "src", "alt", "style", "class"}

    def handle_data(self, data):
        self.text.append(data)

    def handle_comment(self, data):
        assert data == " "  # ours, which keeps an address from being one


def strings(value, path=()):
    if isinstance(value, str):
        yield path
    elif isinstance(value, dict | list):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in items:
            yield from strings(item, (*path, key))


WORDS_OF_OURS = {
    "role",
    "status",
    "policy",
    "dtype",
    "kind",
    "architecture",
    "format",
    "granularity",
}


def poisoned(report, text):
    """The report with every free string replaced, as no validator would let through."""
    report = copy.deepcopy(report)
    for *steps, last in strings(report):
        if last not in WORDS_OF_OURS:
            place = report
            for step in steps:
                place = place[step]
            place[last] = text
    for owner, name in ((report, "domains"), (report["protocol"]["corpus"], "domains")):
        owner[name] = {text: next(iter(owner[name].values()))}
    report["quantization"]["formats"][0]["policy"] = text
    return report


@pytest.mark.parametrize("name", REPORTS)
def test_hostile_text_stays_text(name):
    clean = REPORTS[name]()
    links = as_browsers_read(section.compose(clean, "0" * 64)).links
    for text in HOSTILE:
        markdown = section.compose(poisoned(clean, text), "0" * 64)
        page = as_browsers_read(markdown)
        assert page.tags <= ALLOWED, text
        assert page.links == links, text
        assert "<!--" not in markdown.replace(BREAK, ""), text
        assert markdown.isascii(), text
        assert markdown.count("```") == 2, text
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", markdown), text
        assert markdown.count("\n## ") == 0, text
        assert len(markdown) < 60_000, text


def as_browsers_read(markdown):
    page = Tags()
    parser = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    page.feed(parser.render(markdown))
    return page


ADDRESSES = [
    "me@example.org",
    "mailto:me@example.org",
    "xmpp:a@b.co",
    "www.example.org",
    "WWW.example.org/x",
    "https://example.org/x",
    "ftp://example.org",
]
# What GitHub's Markdown looks for, in the text between tags and comments, entities resolved.
LINKED = re.compile(r"[\w.+-]@\w|\w://\w|www\.\w", re.IGNORECASE)


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_does_not_become_a_link(address):
    assert LINKED.search(address)
    page = Tags()
    page.feed(MarkdownIt("commonmark", {"html": True}).render(escaped(f"a {address} b")))
    assert [part for part in page.text if LINKED.search(part)] == []
    assert "".join(page.text).strip() == f"a {address} b"


def test_one_hostile_word_is_still_readable():
    report = poisoned(example_reports.small_report(), "a|b")
    html = MarkdownIt("commonmark").enable("table").render(section.compose(report, "0" * 64))
    page = Tags()
    page.feed(html)
    assert "a|b" in " ".join(page.text)


@pytest.mark.parametrize("text", ["$(id)", "a b", "x; rm -r ~", "-rf", "a'b"])
def test_commands_are_safe_to_paste(text):
    report = poisoned(example_reports.small_report(), text)
    for command in (commands.reproduce(report), commands.verify(report)):
        assert "\n" not in command.replace(" \\\n", "")
        assert not re.search(r"[`$;]", re.sub(r"'[^']*'", "", command))


def test_the_section_speaks_of_the_bytes_that_are_written():
    import hashlib

    report = example_reports.small_report()
    assert hashlib.sha256(report_bytes(report)).hexdigest() in section.render(report)
