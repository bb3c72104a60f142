"""What GitHub makes of a comment, as far as it can be had without GitHub: its Markdown as HTML, on a page of its look.

The parser follows CommonMark with tables, as GitHub's does (https://github.github.com/gfm/). Alerts (`> [!WARNING]`)
and colours of diffs are made here, as GitHub makes them. Tags that GitHub would take out are found by `tags`.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

__all__ = ["ALLOWED", "page", "tags"]

ALLOWED = frozenset({"br", "code", "details", "sub", "summary"})
"""Tags of ours, all of which GitHub, GitLab and Gitea leave in."""
_TAG = re.compile(r"</?([a-zA-Z][a-zA-Z0-9-]*)")
_ALERT = re.compile(
    r"<blockquote>\n<p>\[!(NOTE|TIP|IMPORTANT|WARNING|CAUTION)\]\n?(?:<br>\n)?(.*?)</blockquote>", re.DOTALL
)


def _parser() -> MarkdownIt:
    made = MarkdownIt("commonmark", {"html": True}).enable(["table", "strikethrough"])
    made.add_render_rule("fence", _fence)
    return made


def _fence(self: RendererHTML, tokens: Sequence[Token], at: int, options: OptionsDict, env: EnvType) -> str:
    """A fenced block; lines of a diff in their colours."""
    token = tokens[at]
    lines = [html.escape(line) for line in token.content.splitlines()]
    if token.info.strip() == "diff":
        kinds = {"-": "gone", "+": "new"}
        lines = [f'<span class="{kinds.get(line[:1], "same")}">{line}</span>' for line in lines]
    return f"<pre><code>{chr(10).join(lines)}\n</code></pre>\n"


def page(text: str, *, opened: bool = False) -> str:
    """A comment as a page; with its details opened where that is wanted."""
    shown = _ALERT.sub(_alert, _parser().render(text))
    if opened:
        shown = shown.replace("<details>", "<details open>")
    head = f"<!doctype html><html><head><meta charset=utf-8><title>comment</title><style>{_STYLE}</style></head>"
    return f"{head}<body><article>{shown}</article></body></html>"


def _alert(found: re.Match[str]) -> str:
    kind = found[1].lower()
    return f'<div class="alert {kind}">\n<p class="kind">{kind.capitalize()}</p>\n<p>{found[2]}</div>'


def tags(text: str) -> set[str]:
    """The names of all tags of HTML in a comment, as the parser finds them: none of code, and none of text."""
    found: set[str] = set()

    def look(tokens: Sequence[Token]) -> None:
        for token in tokens:
            if token.type in {"html_block", "html_inline"}:
                found.update(name.lower() for name in _TAG.findall(token.content))
            look(token.children or ())

    look(_parser().parse(text))
    return found


_STYLE = """
body { margin: 0; padding: 16px; font: 14px/1.5 "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif; color: #1f2328; }
article { max-width: 780px; border: 1px solid #d1d9e0; border-radius: 6px; padding: 16px; overflow-wrap: break-word; }
h3 { font-size: 1.25em; margin: 0 0 16px; line-height: 1.25; }
p, ul, pre, details, table, .alert { margin: 0 0 16px; }
code { padding: .2em .4em; font: 85% ui-monospace, "DejaVu Sans Mono", monospace; background: #818b981f; }
code { border-radius: 6px; white-space: break-spaces; }
pre { padding: 16px; overflow: auto; background: #f6f8fa; border-radius: 6px; line-height: 1.45; }
pre code { padding: 0; background: none; white-space: pre; }
table { display: block; width: max-content; max-width: 100%; overflow: auto; border-collapse: collapse; }
th, td { padding: 6px 13px; border: 1px solid #d1d9e0; }
th { font-weight: 600; }
tr:nth-child(2n) { background: #f6f8fa; }
a { color: #0969da; }
.alert { padding: 8px 16px; border-left: .25em solid; }
.alert p { margin: 0 0 8px; }
.alert .kind { font-weight: 500; }
.important { border-color: #8250df; } .important .kind { color: #8250df; }
.warning { border-color: #9a6700; } .warning .kind { color: #9a6700; }
.caution { border-color: #cf222e; } .caution .kind { color: #cf222e; }
.gone { color: #82071e; background: #ffebe9; } .new { color: #116329; background: #dafbe1; }
"""
