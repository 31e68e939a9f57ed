"""No text in a report takes effect where the report is shown as Markdown."""

import copy
import re
from html.parser import HTMLParser

import example_reports
import pytest
from markdown_it import MarkdownIt
from pooled_reports import pooled_report, with_loss
from shipped_reports import SHIPPED

from hubmaxact.rendering import commands, section, summary
from hubmaxact.rendering.escape import BREAK
from hubmaxact.rendering.escape import text as escaped

RUN = ("linear_inputs", "int8/per_token/dynamic", (0.01, 0.0, 0.02), "why")
REPORTS = {**example_reports.BY_NAME, **SHIPPED, "pooled": lambda: with_loss(pooled_report(), RUN)}

RENDERERS = {"section": lambda report: section.compose(report, "0" * 64), "summary": summary.render}

HOSTILE = [
    "|",
    "a`b``c",
    "<img src=x onerror=alert(1)>",
    "](javascript:alert(1))",
    "![x](https://example.org/x.png)",
    "<!-- hubmaxact:end -->",
    "---",
    "</details></table><script>alert(1)</script>",
    "https://example.org www.example.org me@example.org @alice",
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
    "details", "summary", "a", "br", "em", "ul", "li",
}  # fmt: skip


# What GitHub's Markdown looks for, in the text between tags and comments, entities resolved; not in
# what stands as code.
LINKED = re.compile(r"@\w|\w://\w|www\.\w", re.IGNORECASE)


class Page(HTMLParser):
    """Collects what a browser would build; `prose` is the text that does not stand as code."""

    def __init__(self):
        super().__init__()
        self.tags, self.links, self.prose, self.open_code = set(), set(), [], 0

    def handle_starttag(self, tag, attrs):
        self.tags.add(tag)
        self.open_code += tag == "code"
        self.links |= {value for name, value in attrs if name in ("href", "src")}
        assert {name for name, _ in attrs} <= {"href", "src", "alt", "style", "class"}

    def handle_endtag(self, tag):
        self.open_code -= tag == "code"

    def handle_data(self, data):
        if not self.open_code:
            self.prose.append(data)

    def handle_comment(self, data):
        assert data == " "  # ours, which keeps an address from being one


def shown(markdown):
    page = Page()
    page.feed(
        MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"]).render(markdown)
    )
    return page


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
    "what",
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
    for row in report["quantization"].get("pooled", ())[:3]:
        row.update(format=text, granularity=text, policy=text, kind=text)
    return report


@pytest.mark.by_day("section-[0369]", "section-15", "summary-[27]")
@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
def test_hostile_text_stays_text(render, text):
    for make in REPORTS.values():
        clean = make()
        markdown, expected = render(poisoned(clean, text)), render(clean)
        page, wanted = shown(markdown), shown(expected)
        assert page.tags <= ALLOWED
        assert page.links == wanted.links
        assert [part for part in page.prose if LINKED.search(part)] == []
        assert "<!--" not in markdown.replace(BREAK, "")
        assert markdown.isascii()
        assert markdown.count("```") == expected.count("```")
        assert not re.search(r"[\x00-\x09\x0b-\x1f]", markdown)
        assert markdown.count("\n#") == expected.count("\n#")
        assert len(markdown) < 60_000


ADDRESSES = [
    "@alice",
    "(@alice/team)",
    "me@example.org",
    "mailto:me@example.org",
    "xmpp:a@b.co",
    "www.example.org",
    "WWW.example.org/x",
    "https://example.org/x",
    "ftp://example.org",
]


@pytest.mark.parametrize("address", ADDRESSES)
def test_an_address_does_not_become_a_link(address):
    assert LINKED.search(address)
    page = shown(escaped(f"a {address} b"))
    assert [part for part in page.prose if LINKED.search(part)] == []
    assert "".join(page.prose).strip() == f"a {address} b"


def test_a_sign_that_calls_nobody_is_left_alone():
    assert escaped("Xeon CPU @ 2.20 GHz") == "Xeon CPU &#64; 2.20 GHz"


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
def test_one_hostile_word_is_still_readable(render):
    page = shown(render(poisoned(example_reports.small_report(), "a|b")))
    assert "a|b" in " ".join(page.prose)


@pytest.mark.parametrize("text", ["$(id)", "a b", "x; rm -r ~", "-rf", "a'b"])
def test_commands_are_safe_to_paste(text):
    report = poisoned(example_reports.small_report(), text)
    for command in (commands.reproduce(report), commands.verify(report)):
        assert "\n" not in command.replace(" \\\n", "")
        assert not re.search(r"[`$;]", re.sub(r"'[^']*'", "", command))
