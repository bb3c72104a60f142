"""Train the network on prepared data and write it to a file.

python -m digits.train --data outputs/digits.npz --epochs 30
"""

import argparse

import joblib
import plumbline_tracking as run

from . import data, model


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", required=True, help="the file that digits.prepare wrote")
    parser.add_argument("--learning-rate", type=float, default=0.005)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--hidden", type=int, default=64, help="units of the hidden layer")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    if options.epochs < 1:
        parser.error("--epochs is at least 1")

    x, y = data.read_part(options.data, "train")
    validation_x, validation_y = data.read_part(options.data, "validation")
    network = model.build(options.hidden, options.learning_rate, options.seed)
    accuracy = 0.0
    for epoch, loss in model.fit(network, x, y, options.epochs):
        accuracy = float(network.score(validation_x, validation_y))
        run.log_metrics({"loss": loss, "validation_accuracy": accuracy}, step=epoch)
        print(f"epoch {epoch:3}  loss {loss:.4f}  validation accuracy {accuracy:.3f}", flush=True)

    path = run.artifact_path("model.joblib")
    joblib.dump(network, path)
    print(f"wrote {path}")
    run.outputs({"model": path, "loss": loss, "validation_accuracy": accuracy})


if __name__ == "__main__":
    main()
