"""A real browser without a window: what it makes of a page, how wide that gets, and a picture of it.

It reaches 127.0.0.1 and nothing else, with a profile that goes again.
"""

from __future__ import annotations

import html
import json
import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",  # tests may be root, whom Chromium gives none
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
    "--no-proxy-server",
    "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
    "--enable-logging=stderr",
    "--virtual-time-budget=5000",
)
_SECONDS = 120


class Browser:
    """Chromium; `folder` is for its profile and for pages that are put together."""

    def __init__(self, folder: Path) -> None:
        found = next(filter(None, map(shutil.which, _NAMES)), None)
        if found is None:
            words = "PAGES NOT LOOKED AT IN A BROWSER: no Chromium here (Debian: apt-get install chromium)"
            (pytest.fail if os.environ.get("CI") else pytest.skip)(words)
        self._program = found
        self._folder = folder

    def seen(self, url: str) -> tuple[str, str]:
        """What became of the page at `url`, and what the browser complained of."""
        done = self._run("--dump-dom", url)
        return done.stdout, "\n".join(line for line in done.stderr.splitlines() if "CONSOLE" in line)

    def picture(self, url: str, path: Path, width: int = 1280, height: int = 1600) -> None:
        """Make a picture of the page at `url`."""
        self._run(f"--window-size={width},{height}", f"--screenshot={path}", url)

    def widths(self, pages: Mapping[str, str], widths: Sequence[int], path: Path | None = None) -> dict[str, list[int]]:
        """How wide each page gets in frames of `widths`; with `path` a picture of the narrowest ones side by side."""
        frames = "".join(
            f'<iframe data-name="{html.escape(name)}" width="{width}" srcdoc="{html.escape(text)}"></iframe>'
            for name, text in pages.items()
            for width in widths
        )
        found = self._put("wide.html", f"<pre id=o></pre><script>{_MEASURE}</script>{frames}")
        shown = re.search(r'<pre id="o">(.*?)</pre>', self.seen(found.as_uri())[0], re.DOTALL)
        assert shown is not None
        if path is not None:
            self._beside(pages, min(widths), path)
        told: dict[str, list[int]] = {}
        for name, width in json.loads(html.unescape(shown[1])):
            told.setdefault(name, []).append(width)
        return told

    def _beside(self, pages: Mapping[str, str], width: int, path: Path) -> None:
        frames = "".join(
            f'<iframe width="{width}" height="1480" srcdoc="{html.escape(text)}"></iframe>' for text in pages.values()
        )
        style = "<style>body{margin:8px;display:flex;gap:8px}iframe{flex:none;border:0}</style>"
        file = self._put("narrow.html", f"{style}{frames}")
        self.picture(file.as_uri(), path, (width + 8) * len(pages) + 8, 1500)

    def _put(self, name: str, text: str) -> Path:
        file = self._folder / name
        file.write_text(f"<!doctype html><meta charset=utf-8>{text}")
        return file

    def _run(self, *words: str) -> subprocess.CompletedProcess[str]:
        command = [self._program, *_OPTIONS, f"--user-data-dir={self._folder / 'profile'}", *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=_SECONDS, check=True)


_MEASURE = """
window.onload = () => {
  o.textContent = JSON.stringify([...document.querySelectorAll("iframe")].map(
    frame => [frame.dataset.name, frame.contentDocument.documentElement.scrollWidth]));
};
"""
