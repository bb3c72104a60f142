"""Serve a trained network over HTTP.

    python -m digits.predict --port 8080 --model outputs/model.joblib
    curl localhost:8080/predict -d '{"images": [[0, 0, 5, 13, ...]]}'

Without --model it trains a small network of its own while starting, which takes a second or two.
"""

import argparse
import json
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import TCPServer

import joblib
import numpy as np
import plumbline_tracking as run
from sklearn.neural_network import MLPClassifier

from . import data, model, request


def load_or_train(path: str) -> MLPClassifier:
    """The network in the file `path`; without one, a network that is trained here and now."""
    if path:
        if not Path(path).is_file():
            raise SystemExit(f"no model at {path!r}: give the path that digits.train wrote, or none")
        return joblib.load(path)
    network = model.build(hidden=32, learning_rate=0.01, seed=7)
    pixels, labels = data.load()
    for epoch, loss in model.fit(network, data.scale(pixels), labels, epochs=15):
        print(f"no model given, training one: epoch {epoch}, loss {loss:.3f}", flush=True)
    return network


def answer(network: MLPClassifier, images: list[list[float]]) -> list[dict[str, float]]:
    """For each image the most likely digit and how sure the network is."""
    chances = network.predict_proba(data.scale(np.array(images)))
    return [{"digit": int(row.argmax()), "confidence": round(float(row.max()), 4)} for row in chances]


class Service(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, address: tuple[str, int], network: MLPClassifier) -> None:
        super().__init__(address, Handler)
        self.network = network

    def server_bind(self) -> None:
        # The parent's also asks the DNS for this machine's full name, which can take many seconds in a pod.
        TCPServer.server_bind(self)
        self.server_name, self.server_port = self.server_address[:2]


class Handler(BaseHTTPRequestHandler):
    server: Service
    timeout = 10  # seconds that a client may be silent

    def do_GET(self) -> None:
        if self.path == "/healthz":
            self.reply(200, {"status": "ready"})
        else:
            self.reply(404, {"error": "GET /healthz or POST /predict"})

    def do_POST(self) -> None:
        if self.path != "/predict":
            self.reply(404, {"error": "GET /healthz or POST /predict"})
            return
        try:
            images = request.parse(self.body())
        except request.RequestError as error:
            self.reply(400, {"error": str(error)})
            return
        self.reply(200, {"predictions": answer(self.server.network, images)})

    def body(self) -> bytes:
        length = self.headers.get("Content-Length", "")
        if not (length.isascii() and length.isdigit()):
            raise request.RequestError("Content-Length is missing")
        if int(length) > request.MOST_BYTES:
            raise request.RequestError(f"the body is larger than {request.MOST_BYTES} bytes")
        return self.rfile.read(int(length))

    def reply(self, status: int, content: dict) -> None:
        body = json.dumps(content).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, form: str, *values: object) -> None:
        if getattr(self, "path", "") != "/healthz":  # asked for every second
            print(form % values, flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="where to listen outside of a run; 0: any free port")
    parser.add_argument("--model", default="", help="the file that digits.train wrote")
    options = parser.parse_args()

    service = Service((options.host, run.port(default=options.port)), load_or_train(options.model))
    # shutdown() waits for serve_forever() to return, so it has to be called from another thread.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=service.shutdown).start())
    print(f"ready on {service.server_address[0]}:{service.server_address[1]}", flush=True)
    service.serve_forever(poll_interval=0.1)
    service.server_close()
    print("stopped", flush=True)


if __name__ == "__main__":
    main()
