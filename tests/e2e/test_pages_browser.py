"""The pages in a real browser: no script of a stranger runs, nothing is refused by our own policy, nothing is too wide.

`PLUMBLINE_SCREENSHOTS=FOLDER` keeps the pictures, to be looked at.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path

import httpx
import pytest

from tests.e2e.browser import Browser
from tests.e2e.harness import Place
from tests.ports import free_port

pytestmark = pytest.mark.process

WIDTHS = (390, 1280)
TRAIN = """\
version: 1.1
kind: operation
name: train
component:
  inputs: [{name: note, type: str, value: "<script>document.title='owned'</script>"}]
  outputs: [{name: said, type: str}]
  run:
    kind: job
    container:
      image: i
      command: [sh, -c]
      args:
        - |
          echo "<img src=x onerror=\\"document.title='owned'\\"><svg onload=\\"document.title='owned'\\">"
          for i in $(seq 60); do
            echo "{\\"name\\": \\"loss\\", \\"value\\": $((3000 / (i + 4)))}" >> "$PLUMBLINE_METRICS"
          done
          echo "$(seq -s '' 2000)"
          exit 3
"""
WAITS = {
    "prepare": ("true", []),
    "fit-a-model-with-a-long-name": ("true", ["prepare"]),
    "compare": ("false", ["prepare"]),
    "report": ("true", ["fit-a-model-with-a-long-name", "compare"]),
}
FLOW = "version: 1.1\nkind: operation\nname: flow\ncomponent:\n  run:\n    kind: dag\n    operations:\n" + "".join(
    f"""\
      - name: {name}
        dependencies: {json.dumps(after)}
        component: {{run: {{kind: job, container: {{image: i, command: ["{command}"]}}}}}}
"""
    for name, (command, after) in WAITS.items()
)
NIGHTLY = (
    "version: 1.1\nkind: operation\nname: nightly\nschedule: {kind: cron, cron: '0 2 * * *'}\n"
    "component: {run: {kind: job, container: {image: i, command: [sh]}}}\n"
)
TUNE = """\
version: 1.1
kind: operation
name: tune
matrix:
  kind: hyperopt
  algorithm: rand
  numRuns: 4
  maxIterations: 6
  metric: {name: loss, optimization: minimize}
  params:
    learning-rate: {kind: loguniform, value: [-9.2, -2.3]}
    kernel: {kind: choice, value: [linear, "<img src=x onerror=1>", a kernel with quite a long name]}
    depth: {kind: range, value: [1, 9, 1]}
component:
  inputs:
    - {name: learning-rate, type: float}
    - {name: kernel, type: str}
    - {name: depth, type: int}
  run:
    kind: job
    container:
      image: i
      command: [sh, -c]
      args:
        - |
          [ $1 -gt 1 ] || exit 3
          echo "{\\"name\\": \\"loss\\", \\"value\\": 0.$1$1}" >> "$PLUMBLINE_METRICS"
        - sh
        - "{{ depth }}"
"""
BROKEN = "version: 1.1\nkind: operation\nname: broken\ncomponent: {run: {kind: job, '<b onclick=x>': 1}}\n"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Where pictures go."""
    folder = Path(os.environ.get("PLUMBLINE_SCREENSHOTS") or tmp_path / "pictures")
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def test_pages_in_a_browser(place: Place, tmp_path: Path, pictures: Path) -> None:
    browser, port = Browser(tmp_path), free_port()
    place.configure(pages={"listen": f"127.0.0.1:{port}"})
    commit = place.push({"train.yaml": TRAIN, "flow.yaml": FLOW, "tune.yaml": TUNE, "broken.yaml": BROKEN})
    place.start()
    assert place.settled(commit)["state"] == "failure"
    more = TRAIN.replace("type: str}]", "type: str}, {name: more, type: int}]")
    hostile = more.replace("exit 3", "exit 4 # <b onclick=x>")
    change = place.push({"train.yaml": hostile, "flow.yaml": None, "nightly.yaml": NIGHTLY})
    place.settled(change)
    paths = {
        "overview": "/",
        "commit": f"/commits/{commit}",
        "change": f"/commits/{change}",
        "operation": "/operations/flow",
        "run": "/runs/train@g1",
        "dag": "/runs/flow@g1",
        "sweep": "/runs/tune@g1",
    }
    with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False) as client:
        style = client.get(re.findall(r'href="(/assets/style[^"]+)"', client.get("/").text)[0]).text
        texts = {name: client.get(path).text for name, path in paths.items()}
    for name, path in paths.items():
        shown, complaints = browser.seen(f"http://127.0.0.1:{port}{path}")
        assert complaints == "", complaints
        assert "<script" not in shown
        assert "<title>owned" not in shown
        assert not re.search(r"<[a-z][^>]* on[a-z]+=", shown)
        browser.picture(f"http://127.0.0.1:{port}{path}", pictures / f"{name}.png")
        assert (pictures / f"{name}.png").stat().st_size > 10_000

    # In frames, which our policy forbids on the real pages: so with the style inside, and without its headers.
    framed = {name: re.sub(r"<link[^>]*>", f"<style>{style}</style>", text, count=1) for name, text in texts.items()}
    wide = browser.widths(framed, WIDTHS, pictures / "narrow.png")
    assert {name: [at <= most for at, most in zip(found, WIDTHS, strict=True)] for name, found in wide.items()} == {
        name: [True, True] for name in paths
    }
