"""The golden comments as a forge shows them: their Markdown as HTML in a real browser, at two widths.

`PLUMBLINE_SCREENSHOTS=FOLDER` keeps the pictures, to be looked at.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest

from tests.e2e.browser import Browser
from tests.forges.looks import ALLOWED, page, tags

GOLDEN = Path(__file__).parents[1] / "golden" / "render"
COMMENTS = sorted(path.stem for path in GOLDEN.glob("*.md"))
WIDTHS = (390, 1280)
LOOKED_AT = ("every-verb", "problems", "pull-blocked", "outcome-under-way")


def text_of(name: str) -> str:
    return (GOLDEN / f"{name}.md").read_text()


@pytest.mark.unit
@pytest.mark.parametrize("name", COMMENTS)
def test_a_comment_is_the_html_that_it_means(name: str) -> None:
    text = text_of(name)
    assert tags(text) <= ALLOWED, "a forge would take the others out"
    shown = page(text)
    body = re.sub(r"<style>.*?</style>|<pre>.*?</pre>|<code>.*?</code>", "", shown, flags=re.DOTALL)
    # What is still to be seen of Markdown was not understood as that.
    for mark in ("| ---", "|---", "```", "&lt;details", "&lt;sub", "&lt;code", "**", "[!"):
        assert mark not in body, f"{mark} is shown as it is written"
    for tag in ("details", "summary", "table", "div", "pre", "code", "p", "ul"):
        assert len(re.findall(f"<{tag}[ >]", shown)) == shown.count(f"</{tag}>"), (
            f"<{tag}> is not closed where it belongs"
        )
    rows = re.findall(r"<tr>(.*?)</tr>", shown, flags=re.DOTALL)
    assert {len(re.findall("<t[hd]>", row)) for row in rows} in [set(), {4}, {5}], "a cell broke its row"
    assert len(re.findall(r"^> \[!", text, flags=re.MULTILINE)) == shown.count('class="alert ')


@pytest.mark.process
def test_comments_in_a_browser(tmp_path: Path) -> None:
    browser = Browser(tmp_path)
    folder = Path(os.environ.get("PLUMBLINE_SCREENSHOTS") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    shown = {name: page(text_of(name), opened=name == "every-verb") for name in COMMENTS}
    for name in LOOKED_AT:
        file = tmp_path / f"{name}.html"
        file.write_text(shown[name])
        dom, complaints = browser.seen(file.as_uri())
        assert complaints == ""
        assert "<script" not in dom
        browser.picture(file.as_uri(), folder / f"comment-{name}.png", 860, 1500)
        assert (folder / f"comment-{name}.png").stat().st_size > 10_000
    wide = browser.widths(shown, WIDTHS, None)
    assert {name: [at <= most for at, most in zip(found, WIDTHS, strict=True)] for name, found in wide.items()} == {
        name: [True, True] for name in COMMENTS
    }
    browser.widths({name: shown[name] for name in LOOKED_AT}, WIDTHS, folder / "comments-narrow.png")
    assert (folder / "comments-narrow.png").stat().st_size > 10_000
