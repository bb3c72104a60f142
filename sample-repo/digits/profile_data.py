"""Look at the data before trusting them: balance, dead pixels, doubles. Writes a report in Markdown.

python -m digits.profile_data
"""

import numpy as np
import plumbline_tracking as run

from . import data


def report(pixels: np.ndarray, labels: np.ndarray) -> tuple[str, dict[str, int]]:
    """The report and its three figures."""
    constant = int((pixels.min(axis=0) == pixels.max(axis=0)).sum())
    figures = {
        "samples": len(labels),
        "constant_pixels": constant,
        "duplicates": len(pixels) - len(np.unique(pixels, axis=0)),
    }
    lines = ["# Digits", ""]
    lines += [f"- {name.replace('_', ' ')}: {count}" for name, count in figures.items()]
    lines += ["", "| digit | scans | share | mean ink |", "|---|---|---|---|"]
    for digit in np.unique(labels):
        scans = pixels[labels == digit]
        share = len(scans) / len(labels)
        lines.append(f"| {digit} | {len(scans)} | {share:.1%} | {scans.mean() / data.FULL_INK:.3f} |")
    return "\n".join(lines) + "\n", figures


def main() -> None:
    text, figures = report(*data.load())
    path = run.artifact_path("profile.md")
    path.write_text(text)
    print(text)
    run.outputs({"report": path, **figures})


if __name__ == "__main__":
    main()
