"""Words of a pull request in a comment of ours: shown as they are, and without any effect."""

import html
from html.parser import HTMLParser

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from planner.render.foreign import code, fenced, phrase, visible

pytestmark = pytest.mark.unit

MARKDOWN = MarkdownIt("commonmark", {"html": True}).enable("table")
NASTY = st.text(
    st.one_of(st.sampled_from("`|*_~[]()<>&\\!@#:/.-+=$\"' \n\t\u202e\u200b"), st.characters()), max_size=40
)
"""Any text, with signs that mean something to Markdown or HTML more often than chance has them."""
PICTURES = (
    "![x](https://evil.example/a.png)",
    "<img src=x onerror=alert(1)>",
    "</code></details><script>alert(1)</script>",
)
CALLS = (
    "@everyone",
    "@octo/team",
    "#1",
    "octo/repo#1",
    "GH-1",
    "!7",
    "www.evil.example",
    "https://evil.example/a/issues/1",
)


class Page(HTMLParser):
    """What a browser has of a page: tags, and which text is in code."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.inside: list[str] = []
        self.coded: list[str] = []
        self.bare = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.inside.append(tag)
        if tag == "code":
            self.coded.append("")

    def handle_endtag(self, tag):
        self.inside.remove(tag)

    def handle_data(self, data):
        if "code" in self.inside:
            self.coded[-1] += data
        else:
            self.bare += data


def page(text: str) -> Page:
    return Page(MARKDOWN.render(text))


@given(NASTY)
def test_code_is_its_text_and_nothing_else(text):
    found = page(f"Removes {code(text)}, and that is all.")
    assert found.tags == (["p", "code"] if text else ["p"])
    assert found.coded == ([visible(text)] if text else [])
    assert found.bare.strip() == "Removes , and that is all."


@given(st.lists(NASTY, min_size=2, max_size=3))
def test_a_cell_ends_where_it_ends(texts):
    row = "| " + " | ".join(code(text) for text in texts) + " |"
    line = "|" + "---|" * len(texts)
    found = page(f"{row}\n{line}\n{row}\n")
    assert found.coded == [visible(text) for text in texts if text] * 2
    assert found.tags.count("td") == len(texts)
    assert set(found.tags) <= {"table", "thead", "tbody", "tr", "th", "td", "code"}


@given(NASTY)
def test_a_sentence_keeps_its_words_and_does_nothing(text):
    found = page(f"Held: {phrase(text)}")
    assert set(found.tags) <= {"p", "code"}
    said, wanted = found.bare + "".join(found.coded), f"Held:{visible(text)}"
    # A pair of backticks is taken as such; all else is there, letter by letter.
    assert _letters(said) == _letters(wanted)
    assert not set("@#!<[*_~") & set(found.bare.removeprefix("Held: "))


def _letters(text: str) -> list[str]:
    return sorted(letter for letter in text if letter not in "` \n")


@pytest.mark.parametrize("text", [*PICTURES, *CALLS])
def test_no_forge_is_called_by_it(text):
    """Mentions, references and links are looked for outside code only; there a sign is always a reference."""
    for said in (code(text), phrase(text), phrase(f"its name was {text}.")):
        found = page(said)
        assert set(found.tags) == {"p", "code"}
        assert "".join(found.coded).replace(" ", "") == text.replace(" ", "")
        assert text not in said or text.replace("-", "").isalnum()


@given(st.lists(NASTY, max_size=5))
def test_a_fence_ends_behind_its_lines(lines):
    found = page(fenced(lines, "diff") + "\n\nAfter it.")
    assert found.tags == ["pre", "code", "p"]
    assert found.coded == ["".join(f"{visible(line)}\n" for line in lines)]
    assert found.bare.strip() == "After it."


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("starts train@g3/prepare", "starts <code>train&#64;g3/prepare</code>"),
        ("its spec changed; its name was a_b, before", "its spec changed; its name was <code>a&#95;b</code>, before"),
        ("add `}` to the end", "add <code>&#125;</code> to the end"),
        ("next ticks: 2026-11-23 06:10 UTC", "next ticks: 2026-11-23 06:10 UTC"),
        ("it would stop 3 of 40000", "it would stop 3 of <code>40000</code>"),
        ("", ""),
    ],
)
def test_plain_words_stay_plain(text, shown):
    assert phrase(text) == shown


@pytest.mark.parametrize(
    "letter", ["\u202e", "\u2066", "\u200b", "\ufeff", "\x00", "\x1b", "\u2028", "\ud800", "\xa0", "\u3000"]
)
def test_what_cannot_be_seen_is_spelled_out(letter):
    """A text that reads from right to left would show another command than the one that runs (Trojan Source, 2021)."""
    assert visible(f"a{letter}b") == f"a\\u{{{ord(letter):04x}}}b"
    assert html.unescape(code(letter)) == f"<code>\\u{{{ord(letter):04x}}}</code>"
