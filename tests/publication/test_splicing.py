"""Splicing the section: what a reader sees change, and the bytes that must not."""

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from hubmaxact.errors import ReadmeError
from hubmaxact.publication.readme.front_matter import find
from hubmaxact.publication.readme.splicing import BEGIN, BOM, END, MAX_README_BYTES, edit

SECTION = "## Activation maxima\n\nM is 61.\n\n| a | b |\n| --- | --- |\n| 1 | 2 |\n"
BLOCK = f"{BEGIN}\n{SECTION}{END}"
FRONT = "---\ntags:\n- activation-maxima\n---\n"


def spliced(readme: str, section: str = SECTION) -> str:
    return edit(readme.encode(), section).content.decode()


def test_a_missing_readme_becomes_a_tag_and_the_section():
    assert edit(None, SECTION).content.decode() == f"{FRONT}\n{BLOCK}\n"


def test_the_section_is_appended_after_a_blank_line():
    assert spliced(f"{FRONT}# Title\n") == f"{FRONT}# Title\n\n{BLOCK}\n"
    assert spliced(f"{FRONT}# Title") == f"{FRONT}# Title\n\n{BLOCK}\n"
    assert spliced(f"{FRONT}# Title\n\n") == f"{FRONT}# Title\n\n{BLOCK}\n"


def test_an_earlier_section_is_replaced_where_it_stands():
    before = f"{FRONT}# Title\n\n{BEGIN}\nold\n{END}\n\n## After\nno last newline"
    assert spliced(before) == f"{FRONT}# Title\n\n{BLOCK}\n\n## After\nno last newline"


def test_blanks_around_the_markers_stay():
    before = f"{FRONT}  {BEGIN}  \nold\n {END}\t\nafter"
    assert spliced(before) == f"{FRONT}  {BLOCK}\t\nafter"


def test_editing_twice_changes_nothing():
    once = spliced("text {{ jinja }} {% raw %}\n")
    assert spliced(once) == once


def test_the_block_uses_the_ending_that_the_readme_mostly_uses():
    text = spliced(f"{FRONT}a\nb\n".replace("\n", "\r\n") + "mixed\n")
    block = text[text.index(BEGIN) : text.index(END)]
    assert block.count("\r\n") == block.count("\n") == BLOCK.count("\n")
    assert "mixed\n\r\n<!--" in text
    assert "\n" not in spliced(f"{FRONT}a\r".replace("\n", "\r"))


def test_a_byte_order_mark_stays_in_front():
    assert spliced(BOM + "# Title\n") == f"{BOM}{FRONT}\n# Title\n\n{BLOCK}\n"
    assert spliced(f"{BOM}---\na: 1\n---\n").startswith(f"{BOM}---\na: 1\ntags:\n")


def test_markers_in_a_code_fence_are_an_example_and_not_markers():
    example = f"```html\n{BEGIN}\n{END}\n```\n~~~~\n{BEGIN}\n```\n~~~\n~~~~\n    {END}\n"
    assert spliced(FRONT + example) == f"{FRONT}{example}\n{BLOCK}\n"


def test_markers_in_the_front_matter_or_amid_words_are_not_markers():
    readme = f"---\nx: |\n  {BEGIN}\ntags: [activation-maxima]\n---\nsee `{BEGIN}` and `{END}`.\n"
    assert spliced(readme) == f"{readme}\n{BLOCK}\n"


def test_markers_between_two_horizontal_rules_are_found():
    readme = f"---\nwords: and: more\n\n{BEGIN}\nold\n{END}\n\n---\nend\n"
    assert spliced(readme) == readme.replace(f"{BEGIN}\nold\n{END}", BLOCK)


def test_what_is_advised_comes_with_the_edit():
    edited = edit(b"---\n- a list\n---\n", SECTION)
    assert edited.content.decode() == f"---\n- a list\n---\n\n{BLOCK}\n"
    assert "by hand" in edited.advice[0]


def test_markers_in_yaml_that_is_not_edited_are_not_markers():
    front = f"---\na: &x 1\nb: *x\nc: |\n  {BEGIN}\n  {END}\n  ```\n---\n"
    assert spliced(front + "# Title\n") == f"{front}# Title\n\n{BLOCK}\n"


def test_markers_in_preformatted_text_are_not_markers():
    example = f"<pre>\n{BEGIN}\n{END}\n</pre>\n"
    assert spliced(FRONT + example) == f"{FRONT}{example}\n{BLOCK}\n"


def test_markers_that_markdown_would_not_read_between_are_refused():
    with pytest.raises(ReadmeError, match="line 6 of the README stands within <div> of line 5"):
        edit(f"{FRONT}<div>\n{BEGIN}\nold\n{END}\n</div>\n".encode(), SECTION)


def test_the_ending_is_that_of_what_stays():
    before = "a\r\n" * 10 + "b\n" * 5 + f"{BEGIN}\n" + "old\n" * 80 + f"{END}\n"
    once = spliced(before, "## Activation maxima\n\nshort\n")
    assert spliced(once, "## Activation maxima\n\nshort\n") == once
    assert once.count("old") == 0


SOUND = [
    "- ```sh\n  pip install x\n  ```\n\ntext\n",
    "1. ```sh\n   x\n   ```\n",
    "- item\n\n  ```\n  never closed, but for the list\n\ntext\n",
    "> ```\n> quoted\n\ntext\n",
    "<!--\n```\n-->\n# A\n",
    "<pre>\n```\n</pre>\n# A\n",
    "<!-- a comment that our marker ends\n",
    "<div>\n```\n",
]


@pytest.mark.parametrize("readme", SOUND)
def test_code_and_html_that_are_over_are_in_nobodys_way(readme):
    assert spliced(readme).endswith(f"\n{BLOCK}\n")


HIDDEN = [
    ("<details>\n<summary>All</summary>\n\n| a |\n| --- |\n\nmore\n", "<details> opened on line 5"),
    ("words <DETAILS open> words\n\nmore\n", "<details> opened on line 5"),
    ("<details>\n\n</details>\n\n<details\n  open\n>\n\nmore\n", "<details> opened on line 9"),
    ("<details>\n", "<details> opened on line 5"),
    ("<details\n", "<details> opened on line 5"),
    ("<div>\n\n<details>\n\n<table><tr><td></details></td></tr></table>\n", "on line 7"),
    ("words <!-- <details> words\n", "<details> opened on line 5"),
    ("<video src=x controls>\n\nmore\n", "<video> opened on line 5"),
    ("words <textarea> <details> </details>\n", "<textarea> opened on line 5"),
    ("> <textarea>\n\nmore\n", "<textarea> opened on line 5"),
    ("- words <title> words\n\nmore\n", "<title> opened on line 5"),
    ("# <select>\n\nmore\n", "<select> opened on line 5"),
    ("- <template>\n\nmore\n", "<template> opened on line 5"),
    ("| a |\n| --- |\n| <style> |\n", "<style> opened on line 7"),
    ("<plaintext>\n", "<plaintext> opened on line 5"),
    ("<datalist>\n\nmore\n", "<datalist> opened on line 5"),
    ("<div><iframe src=x>\n</div>\n", "<iframe> opened on line 5"),
]


def test_what_would_hide_the_section_is_named_with_its_line():
    for body, words in HIDDEN:
        with pytest.raises(ReadmeError) as refused:
            edit(f"{FRONT}{body}".encode(), SECTION)
        assert words in str(refused.value), body
        assert "never closed" in str(refused.value)


SHAPED = [
    ("<div align=center>\n\n# Title\n", "The <div> opened on line 5"),
    ("<table>\n<tr><td>\n\n<b>bold\n", "The <table> opened on line 5"),
    ("words <pre> words\n", "The <pre> opened on line 5"),
    ("text <b>bold\n", "The <b> opened on line 5"),
    ("<ul>\n<li>one\n", "The <ul> opened on line 5"),
    ("<!-- to do\n\nmore\n", "The comment (<!--) opened on line 5"),
    (f"<details>\n\n{BLOCK}\n\nmore\n", "The <details> opened on line 5"),
]


def test_what_would_change_the_sections_looks_is_advised_on():
    for body, words in SHAPED:
        edited = edit(f"{FRONT}{body}".encode(), SECTION)
        assert [words in advice for advice in edited.advice] == [True], (body, edited.advice)
        assert edit(edited.content, SECTION).content == edited.content


CLOSED = [
    "<details>\n\n</details>\n",
    "<div>\n<details>\n\nmore\n\n</div>\n",
    "<table><tr><td>\n\n<details>\n\n</td></tr></table>\n",
    "<table><tr><td><b>x<td><i>y</table>\n",
    "> <details>\n> quoted\n\nmore\n",
    "- <details>\n- <div>\n\n  more\n",
    "# <details>\n",
    "| a |\n| --- |\n| <details> |\n",
    "| a |\n| --- |\n| <object> |\n",
    "> words <script> words </script>\n",
    "words <progress> words\n\nmore\n",
    "`<details>` and ``<div> ` <table>`` and \\<details> and <details-panel>\n",
    "```\n<details>\n```\n\n    <div>\n",
    "<!-- <details> -->\n\nwords <!-- <div> --> <!--> <!X <div> ?>\n",
    "words <video> words\n\nmore\n",
    "<textarea>\n\n<details>\n</textarea>\n",
    "<div title='a > b'>\n</div>\n<center><img src=x></center>\n",
    "<p align=center>\n\n<a name=here>\n\n<model> of <owner>\n",
    f"<details>\n\n{BLOCK}\n\n</details>\n",
    f"{BLOCK}\n\n<details>\n",
]


def test_what_is_closed_by_itself_or_by_what_is_around_it_is_in_nobodys_way():
    for body in CLOSED:
        edited = edit(f"{FRONT}{body}".encode(), SECTION)
        assert edited.advice == (), body


@pytest.mark.parametrize("unit", ["<div>", "<b>", "x<!--", "`", "\\<", '<i a="', "<td></b>"])
def test_many_tags_take_no_longer_than_many_words(unit):
    readme = "<div>\n\n<table>words " + unit * (400_000 // len(unit))
    assert edit(readme.encode(), SECTION).advice


DAMAGED = [
    (
        "begin alone",
        f"a\n{BEGIN}\n",
        "1 begin and 0 end markers of hubmaxact (begin on line 2; end on line none)",
    ),
    ("end alone", f"{END}\n", "0 begin and 1 end"),
    ("reversed", f"{END}\n{BEGIN}\n", "(begin on line 2; end on line 1)"),
    ("two sections", f"{BLOCK}\n{BLOCK}\n", "2 begin and 2 end"),
    ("end in a fence", f"{BEGIN}\n```\n{END}\n```\n", "1 begin and 0 end"),
]


@pytest.mark.parametrize(
    ("body", "words"), [row[1:] for row in DAMAGED], ids=[row[0] for row in DAMAGED]
)
def test_damaged_markers_are_refused_with_their_lines(body, words):
    with pytest.raises(ReadmeError) as refused:
        edit(body.encode(), SECTION)
    assert words in str(refused.value)
    assert "Delete the stray lines" in str(refused.value)


def test_lines_are_counted_as_in_the_readers_file():
    with pytest.raises(ReadmeError, match="begin on line 4; end on line none"):
        edit(f"---\na: 1\n---\n{BEGIN}\n".encode(), SECTION)


UNREADABLE = [
    ("Latin-1", b"caf\xe9", "not UTF-8 (byte 3)"),
    ("UTF-16", "text".encode("utf-16-le"), "NUL"),
    ("too long", b"a" * (MAX_README_BYTES + 1), "5,000,001 bytes"),
    ("LFS", b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n", "Git LFS"),
    ("open fence", b"a\n```python\ncode\n", "code fence opened on line 2"),
    ("open pre", b"a\n<pre>\n\ntext\n", "the <pre> opened on line 2"),
    ("open script", b"<SCRIPT>\n", "the <SCRIPT> opened on line 1"),
    ("open style", b"<style media=x>\n", "the <style> opened on line 1"),
    ("open instruction", b"<?php\n", "the <? opened on line 1"),
    ("open CDATA", b"<![CDATA[\n", "the <![CDATA[ opened on line 1"),
]


@pytest.mark.parametrize(
    ("readme", "words"), [row[1:] for row in UNREADABLE], ids=[row[0] for row in UNREADABLE]
)
def test_a_readme_that_cannot_be_edited_is_refused(readme, words):
    with pytest.raises(ReadmeError) as refused:
        edit(readme, SECTION)
    assert words in str(refused.value)


@pytest.mark.parametrize("section", [f"x\n{END}\n", f"{BEGIN}", "## A\n```\nopen\n"])
def test_a_section_that_would_break_the_readme_is_a_mistake_of_ours(section):
    with pytest.raises(ValueError, match="section"):
        edit(b"# Title\n", section)


def test_five_megabytes_are_edited():
    readme = b"word " * 999_990
    assert edit(readme, SECTION).content.endswith(f"{BLOCK}\n".encode())


LINES = st.sampled_from(
    [
        "# Title", "text", "", "---", "tags: [a]", "tags:", "- x", "license: mit", "```", "~~~",
        "> q", "{{ jinja }}", "\u202eRTL\u202c", "\u200b", f"`{BEGIN}`", "\x85", "a: &b c",
    ]
)  # fmt: skip
README = st.builds(
    lambda bom, lines, eols, last: (
        bom + "".join(map("".join, zip(lines, eols, strict=False))) + last
    ),
    st.sampled_from(["", BOM]),
    st.lists(LINES, max_size=12),
    st.lists(st.sampled_from(["\n", "\n", "\r\n", "\r"]), min_size=12, max_size=12),
    st.sampled_from(["", "last"]),
)
SECTIONS = st.sampled_from([SECTION, "## Activation maxima", "## A\r\n\r\n```\ncode\n```\n"])


STRUCTURE = st.lists(
    st.sampled_from(
        [
            "```", "~~~~", "``` x", "- ```", "1. ~~~", "2) x", "  ```", "    ```", "> ```", "> x",
            ">", "- item", "-", "  - x", "* * *", "---", "===", "text", "  text", "      text", "",
            "", "<div>", "<pre>", "x</pre>", "<script>", "</script>", "<!--", "-->", "<?x", "?>",
            "<![CDATA[", "]]>", "<!X", "<span>", "<a href='x'>", "# h", "-\tx", "\t```", "> - ```",
            "- <pre>", "> <!--", "- > ~~~", "-     ```", "</textarea>", "<table>", "text <pre>",
        ]
    ),
    max_size=9,
)  # fmt: skip


@settings(max_examples=200)
@given(STRUCTURE)
def test_a_section_is_shown_as_one_or_refused_and_never_refused_for_nothing(lines):
    page = MarkdownIt("commonmark", {"html": True})
    readme = "\n".join(["intro", "", *lines, ""])
    is_shown = "<h2>Activation maxima</h2>" in page.render(f"{readme}\n{BLOCK}\n")
    try:
        text = spliced(FRONT + readme)
    except ReadmeError as refused:
        # Markdown's script may end where a browser's goes on: at another raw tag's end.
        assert not is_shown or "the <script> opened" in str(refused)  # noqa: PT017
        return
    assert is_shown
    assert "<h2>Activation maxima</h2>" in page.render(text.removeprefix(FRONT))
    assert spliced(text) == text


# As letters: where an inserted run starts is ambiguous when its ends are alike.
TAG_TEXTS = [
    sorted(text)
    for text in (
        "",
        "activation-maxima",
        ",activation-maxima",
        "-activation-maxima",
        "tags:-activation-maxima",
        "---tags:-activation-maxima---",
    )
]


def insertion(before: str, after: str) -> str:
    """The one run of characters that `after` has and `before` has not."""
    pairs = zip(before, after, strict=False)
    start = next((at for at, (one, other) in enumerate(pairs) if one != other), len(before))
    stop = len(after) - (len(before) - start)
    assert after[:start] + after[stop:] == before
    return after[start:stop]


@given(README, SECTIONS, SECTIONS)
def test_outside_the_markers_only_the_tag_is_new(readme, section, other):
    try:
        once = spliced(readme, section)
    except ReadmeError as refused:
        assert "never closed" in str(refused)  # noqa: PT017 one of two good endings
        return
    head, tail = once[: once.rindex(BEGIN)], once[once.rindex(END) + len(END) :]
    new = insertion(readme.rstrip("\r\n"), head.rstrip("\r\n"))
    assert sorted("".join(new.split())) in TAG_TEXTS
    assert tail in {"\n", "\r\n", "\r"}
    assert spliced(once, section) == once
    again = spliced(once, other)
    assert again.startswith(head)
    assert again.endswith(tail)
    assert spliced(again, section) == once


@given(README, st.text(alphabet="ab \n\r", max_size=8))
def test_text_after_the_section_never_moves(readme, after):
    try:
        once = spliced(readme)
    except ReadmeError:
        return
    longer = once + after
    changed = spliced(longer, "## Activation maxima\n\nother\n")
    assert changed.partition(END)[2] == longer.partition(END)[2]
    assert changed.partition(BEGIN)[0] == longer.partition(BEGIN)[0]


@given(README)
def test_front_matter_reads_the_same_but_for_the_tag(readme):
    try:
        edited = edit(readme.encode(), SECTION)
    except ReadmeError:
        return
    if edited.advice:
        assert edited.content.startswith(readme.encode())
        return
    text = edited.content.decode().removeprefix(BOM)
    span = find(text)
    metadata = yaml.safe_load(text[span.start : span.end])
    assert "activation-maxima" in metadata["tags"]
    earlier = find(readme.removeprefix(BOM))
    if earlier:
        before = yaml.safe_load(readme.removeprefix(BOM)[earlier.start : earlier.end]) or {}
        assert {**metadata, "tags": None} == {**before, "tags": None}
