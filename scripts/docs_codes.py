"""Makes docs/codes.md from planner/codes.py and tests/corpus: what each code means, what to do, and an example.

`make docs` writes the page; a test compares it with what this gives.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from planner.codes import CODES, GROUPS
from planner.errors import Problem
from reconciler.cli.expect import EXPECT, expectations, problems

__all__ = ["PAGE", "ROOT", "page"]

ROOT = Path(__file__).resolve().parents[1]
PAGE = "docs/codes.md"
_HEAD = """# Codes of problems

<!-- made by `make docs` from planner/codes.py and tests/corpus: do not edit -->

A code never changes its meaning. An error holds its file back, and what comes of it; warnings and infos hold nothing.
"""
_WIDTH = 100


def page() -> str:
    """The text of the page."""
    examples = dict(_examples(ROOT / "tests" / "corpus"))
    parts = [_HEAD]
    for hundred, title in GROUPS.items():
        parts.append(f"\n## {title}\n")
        parts += [_code(code, examples.get(code, "")) for code in CODES if code.startswith(hundred)]
    return "".join(parts)


def _code(code: str, example: str) -> str:
    meaning, help_ = CODES[code]
    return f"\n### {code}\n\n**{meaning[0].upper()}{meaning[1:]}.** {help_}\n{example}"


def _examples(corpus: Path) -> Iterator[tuple[str, str]]:
    """For each code the smallest case that has nothing else wrong, or else the smallest that has it; files first."""
    found: dict[str, tuple[bool, int, int, str]] = {}
    for expect in corpus.glob(f"*/{EXPECT}"):
        for name, lines in expectations(expect).items():
            path = expect.parent / name
            for code in {line.split()[0] for line in lines}:
                size = (path.is_dir(), len(lines), path.stat().st_size, path.as_posix())
                found[code] = min(found.get(code, size), size)
    for code, (*_, name) in sorted(found.items()):
        path = Path(name)
        problem = next((problem for problem in problems(path) if problem.code == code), None)
        if problem is not None:
            yield code, _example(path / problem.place.path if path.is_dir() else path, problem)


def _example(path: Path, problem: Problem) -> str:
    lines = path.read_bytes().decode("utf-8", "replace").splitlines()
    numbers = range(max(problem.place.line - 2, 1), min(problem.place.line, len(lines)) + 1)
    shown = "".join(f"{number:>3}  {_printed(lines[number - 1])}\n" for number in numbers)
    told = f"{problem.severity}: {problem.message}" + (f"; {problem.hint}" if problem.hint else "")
    return f"\n```text\n{shown}{_printed(told)}\n```\n"


def _printed(line: str) -> str:
    plain = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in line.rstrip())
    return plain if len(plain) <= _WIDTH else plain[: _WIDTH - 1] + "…"


def main() -> None:
    """Write the page."""
    (ROOT / PAGE).write_text(page())


if __name__ == "__main__":
    main()
