"""Commands in comments: what is one, and what never is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from planner.remarks import MOST, Wish, wishes_of

pytestmark = pytest.mark.unit

PLAN = "/plumbline plan"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (PLAN, [("plan", "")]),
        (f"thanks!\r\n{PLAN}  \r\nbye", [("plan", "")]),
        (f"{PLAN}\r/plumbline retry train", [("plan", ""), ("retry", "train")]),
        ("/plumbline\tapprove\tab12cd", [("approve", "ab12cd")]),
        (f"{PLAN}\n{PLAN}", [("plan", "")]),
        ("/plumbline help\n/plumbline", [("help", ""), ("", "")]),
        ("/plumbline retry", [("", "")]),
        ("/plumbline retry a b", [("", "")]),
        ("/plumbline plan now", [("", "")]),
        ("/plumbline PLAN", [("", "")]),
        (f"/plumbline retry {'x' * 2000}", [("", "")]),
        (f"```\ncode\n```\n{PLAN}", [("plan", "")]),
        (f"~~~ py\n```\n~~~~\n{PLAN}", [("plan", "")]),
        (f"- ```\n  x\n  ```\n{PLAN}", [("plan", "")]),
        (f"> quoted\n\n{PLAN}", [("plan", "")]),
        (f">>>\nquoted\n\n>>>\n{PLAN}", [("plan", "")]),
        (f"<!-- template -->\n{PLAN}", [("plan", "")]),
        (f"<pre>\nx\n</pre>\n{PLAN}", [("plan", "")]),
        (f"use `x` and ``y`z``\n{PLAN}", [("plan", "")]),
        (f"an odd ` sign\n\n{PLAN}", [("plan", "")]),
    ],
)
def test_commands(body, expected):
    assert [(wish.verb, wish.target) for wish in wishes_of(body)] == expected


@pytest.mark.parametrize(
    "body",
    [
        "",
        "/plumbliner plan",
        "/Plumbline plan",
        "please /plumbline plan",
        " /plumbline plan",
        "    /plumbline plan",
        "\t/plumbline plan",
        "`/plumbline plan`",
        "- /plumbline plan",
        "> /plumbline plan",
        ">/plumbline plan",
        "> quoted\n/plumbline plan",
        "> quoted\nlazily\n/plumbline plan",
        "- > quoted\n/plumbline plan",
        "```\n/plumbline plan\n```",
        "```\n/plumbline plan",
        "````\n```\n/plumbline plan\n````",
        "```\n        ```\n/plumbline plan\n```",
        "``` \n``` x\n/plumbline plan\n```",
        "~~~\n```\n/plumbline plan\n~~~",
        "- ```\n  x\n```\n/plumbline plan\n```",
        "- a\n  ```\n  x\n```\n/plumbline plan\n```",
        "    ```\n```\n/plumbline plan\n```",
        "1. ```\n/plumbline plan",
        ">>>\na\n\n/plumbline plan\n>>>",
        "<!--\n/plumbline plan\n-->",
        "<!-- /plumbline\n/plumbline plan\n-->",
        "<pre>\n/plumbline plan\n</pre>",
        "<PRE class=x>\n\n/plumbline plan",
        "<blockquote><blockquote>\n</blockquote>\n/plumbline plan\n</blockquote>",
        "see `code\n/plumbline plan\n`",
        "\u2028/plumbline plan",
        "a\u2028/plumbline plan",
        "a\x0b/plumbline plan",
        "\ufeff/plumbline plan",
    ],
)
def test_what_is_quoted_or_hidden_or_not_at_the_beginning_is_none(body):
    assert wishes_of(body) == ()


def test_ten_of_a_comment_are_heard():
    body = "\n".join(f"/plumbline retry op-{number}" for number in range(5000))
    assert [wish.target for wish in wishes_of(body)] == [f"op-{number}" for number in range(MOST)]


_PIECES = st.sampled_from(
    ["\n", "\r", "\t", " ", ">", "```", "~~~", "`", "<!--", "-->", "<pre>", "</pre>", "/plumbline", "plan", "- ", "x"]
)
_TEXTS = st.lists(_PIECES | st.text(max_size=8), max_size=60).map("".join)


@given(_TEXTS)
def test_it_never_raises_and_each_command_is_a_line_of_the_comment(body):
    lines = {line.strip()[:1024] for part in body.split("\n") for line in part.split("\r")}
    for wish in wishes_of(body):
        assert isinstance(wish, Wish)
        assert wish.text in lines


@given(_TEXTS, st.sampled_from(["retry", "approve"]))
def test_nothing_quoted_is_ever_a_command(body, verb):
    command = f"/plumbline {verb} canary"
    quoted = "".join(f"> {line}\n" for line in f"{body}\n{command}".replace("\r", "\n").split("\n"))
    assert not [wish for wish in wishes_of(quoted) if wish.target == "canary"]
    longest = "`" * (body.count("`") + 3)
    fenced = f"{longest}\n{body}\n{command}\n{longest}"
    assert not [wish for wish in wishes_of(fenced) if wish.target == "canary"]
