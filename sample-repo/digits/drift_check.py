"""Compare the newest scans with those that the model was trained on; fail when they have drifted apart.

There is no scanner behind this sample, so "the newest scans" are a random draw that the scheduled minute decides.
Put your own source into `newest`.

    python -m digits.drift_check --limit 0.25
"""

import argparse
import zlib

import numpy as np
import plumbline_tracking as run

from . import data, stability


def newest(pixels: np.ndarray, minute: str, count: int) -> np.ndarray:
    """The scans that came in at `minute`: the same draw however often that minute is looked at."""
    draw = np.random.default_rng(zlib.crc32(minute.encode()))
    return pixels[draw.choice(len(pixels), size=min(count, len(pixels)), replace=False)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--limit", type=float, default=0.25, help="the stability index that is still taken")
    parser.add_argument("--count", type=int, default=400, help="scans to look at")
    options = parser.parse_args()
    if options.count < 1:
        parser.error("--count is at least 1")

    minute = run.context().get("globals", {}).get("schedule_at") or "now"
    pixels, _ = data.load()
    recent = newest(pixels, minute, options.count)
    drift = stability.index(pixels.mean(axis=1).tolist(), recent.mean(axis=1).tolist())

    run.log_metric("drift", drift)
    run.output("drift", drift)
    print(f"drift {drift:.4f} over {len(recent)} scans of {minute} (limit {options.limit})")
    if drift > options.limit:
        raise SystemExit(f"drift {drift:.4f} is over the limit of {options.limit}: look at the newest scans")


if __name__ == "__main__":
    main()
