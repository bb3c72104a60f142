"""Name the best of the networks that were trained.

python -m digits.choose r-7f3k2m4q=0.95 r-4k2fpq7a=0.97

Without arguments it takes the lists that its operation found.
"""

import sys

import plumbline_tracking as run


def best(trained: list[tuple[str, float]]) -> tuple[str, float]:
    """The run with the highest accuracy; of several the first."""
    if not trained:
        sys.exit("no network was trained yet")
    return max(trained, key=lambda one: one[1])


def main() -> None:
    given = run.inputs()
    if len(sys.argv) > 1:
        pairs = [word.partition("=") for word in sys.argv[1:]]
        trained = [(name, float(accuracy)) for name, _, accuracy in pairs]
    else:
        trained = list(zip(given.get("runs", []), given.get("accuracies", []), strict=True))
    for name, accuracy in trained:
        print(f"{name}  {accuracy:.3f}")
    name, accuracy = best(trained)
    run.outputs({"best_run": name, "best_accuracy": accuracy, "compared": len(trained)})


if __name__ == "__main__":
    main()
