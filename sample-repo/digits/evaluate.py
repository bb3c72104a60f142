"""Judge a trained network by scans that it has never seen; fail when it is not good enough.

python -m digits.evaluate --data outputs/digits.npz --model outputs/model.joblib --min-accuracy 0.9
"""

import argparse
import json

import joblib
import plumbline_tracking as run
from sklearn.metrics import confusion_matrix

from . import data


def worst_pair(confusion: list[list[int]]) -> str:
    """The two digits that are mistaken most often, in words."""
    mistakes = [
        (count, actual, said)
        for actual, row in enumerate(confusion)
        for said, count in enumerate(row)
        if actual != said and count
    ]
    if not mistakes:
        return "no mistakes"
    count, actual, said = max(mistakes)
    return f"{actual} taken for {said}, {count} times"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the file that digits.prepare wrote")
    parser.add_argument("--model", required=True, help="the file that digits.train wrote")
    parser.add_argument("--min-accuracy", type=float, default=0.9)
    options = parser.parse_args()

    x, y = data.read_part(options.data, "test")
    predicted = joblib.load(options.model).predict(x)
    accuracy = float((predicted == y).mean())
    confusion = confusion_matrix(y, predicted).tolist()

    path = run.artifact_path("confusion.json")
    path.write_text(json.dumps(confusion))
    run.log_metric("accuracy", accuracy)
    run.outputs({"accuracy": accuracy, "confusion": path, "worst": worst_pair(confusion)})

    print(f"accuracy {accuracy:.4f} on {len(y)} scans; worst: {worst_pair(confusion)}")
    for digit, row in enumerate(confusion):
        print(f"  {digit} | " + " ".join(f"{count:3}" for count in row))
    if accuracy < options.min_accuracy:
        raise SystemExit(f"accuracy {accuracy:.4f} is below the {options.min_accuracy} that was asked for")


if __name__ == "__main__":
    main()
