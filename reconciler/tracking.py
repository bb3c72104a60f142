"""What a program that Plumbline runs can know and say (docs/run-contract.md).

This one file is copied beside the context of every run under the name `plumbline_tracking.py` and is on its
PYTHONPATH, so `import plumbline_tracking` works in any image. It must never import anything but the standard
library, need a Python later than 3.8, or end a program because a metric could not be written.

    import plumbline_tracking as run

    for step in range(run.params().get("epochs", 10)):
        run.log_metric("loss", train_one_epoch(), step=step)
    run.output("model", save(run.artifact_path("model.joblib")))

Outside of a run everything works and nothing is kept: metrics and outputs are printed, the context is empty,
artifacts go to `outputs/` below the working folder. To try a program by hand, put this file beside it:
`python -m reconciler.tracking FOLDER`.
"""

from __future__ import annotations

import functools
import json
import math
import operator
import os
import re
import shutil
import stat
import sys
import time
from collections.abc import Mapping
from pathlib import Path, PurePath
from typing import Any

__all__ = [
    "artifact_path",
    "context",
    "inputs",
    "log_metric",
    "log_metrics",
    "output",
    "outputs",
    "params",
    "port",
    "run_key",
]

_OUTPUT_NAME = re.compile(r"[-a-zA-Z0-9_]+")
_LONGEST_METRIC_NAME = 200
_LONGEST_OUTPUT = 64 * 1024
_DEEPEST_OUTPUT = 100
_WIDEST_NUMBER = 512
_HALF = re.compile("[\ud800-\udfff]")  # of a surrogate pair: no UTF-8 can carry it
_WARNED: set[str] = set()


def run_key() -> str:
    """The key of this run, such as `digits@g3/train`; "" outside of a run."""
    return os.environ.get("PLUMBLINE_RUN", "")


def context() -> dict[str, Any]:
    """The context of this run, a fresh copy at each call; empty outside of a run.

    Raises:
        RuntimeError: the context file of a run cannot be read.
    """
    path = os.environ.get("PLUMBLINE_CONTEXT", "")
    if not path:
        return {}
    try:
        found = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RuntimeError(f"the context of this run ({path}) cannot be read: {error}") from error
    if not isinstance(found, dict):
        raise RuntimeError(f"the context of this run ({path}) is not a JSON object")  # noqa: TRY004 - bad file
    return found


def params() -> dict[str, Any]:
    """Every param of this run by name: its inputs and what is in the context only."""
    return dict(context().get("params", {}))


def inputs() -> dict[str, Any]:
    """The declared inputs of this run by name, defaults included."""
    return dict(context().get("inputs", {}))


def port(index: int = 0, default: int = 0) -> int:
    """The port that this service has to listen on: the real one for the port declared at `index`.

    Outside of a run it is `default`; 0 lets the system choose a free one.

    Raises:
        IndexError: this run does not have so many ports.
    """
    known = context()
    if not known:
        return default
    ports = known.get("ports", [])
    if not 0 <= index < len(ports):
        raise IndexError(f"this run has {len(ports)} ports, none at index {index}: declare it in run.ports")
    return int(ports[index])


def artifact_path(*parts: str | os.PathLike[str]) -> Path:
    """The path of a file that is kept after the run, with its folders made; without `parts` their root folder.

    Raises:
        ValueError: the path leads out of the run's folder.
    """
    base = os.environ.get("PLUMBLINE_ARTIFACTS", "")
    root = Path(base or ".").absolute() / "outputs"
    below = PurePath(*parts)
    if below.is_absolute() or ".." in below.parts:
        raise ValueError(f"{str(below)!r} leads out of the folder of this run")
    path = root / below
    (path.parent if below.parts else path).mkdir(parents=True, exist_ok=True)
    return path


def log_metric(name: str, value: float, step: int | None = None) -> None:
    """Record one value of a metric; see `log_metrics`."""
    log_metrics({name: value}, step=step)


def log_metrics(values: Mapping[str, float], step: int | None = None) -> None:
    """Record values of metrics, all at one `step`.

    NaN and infinities are kept, as the texts `NaN`, `Infinity` and `-Infinity`. When the file cannot be written
    the program goes on, with one warning on standard error.

    Raises:
        TypeError: a value is no number, or `step` no whole number.
        ValueError: a name is empty, longer than 200 characters or no Unicode text, or a value does not read as a
            number.
    """
    moment = _now()
    records = [_metric(name, value, step, moment) for name, value in values.items()]
    path = os.environ.get("PLUMBLINE_METRICS", "")
    if not path:
        for record in records:
            at = "" if step is None else f" step={record['step']}"
            _say(sys.stdout, f"metric {record['name']}={record['value']}{at}")
        return
    replica = _replica(os.environ.get("PLUMBLINE_CONTEXT", ""))
    try:
        _append(path, [{**record, **replica} for record in records])
    except OSError as error:
        if path not in _WARNED:
            _WARNED.add(path)
            _say(sys.stderr, f"plumbline_tracking: metrics are not recorded: {error}")


def output(name: str, value: Any) -> None:
    """Write one output of this run; see `outputs`."""
    outputs({name: value})


def outputs(values: Mapping[str, Any]) -> None:
    """Write outputs of this run, by name. Of two values of one name the last counts.

    A value is whatever JSON can carry; paths become text, arrays and their scalars lists and numbers, NaN and
    infinities the texts `NaN`, `Infinity` and `-Infinity`.

    Raises:
        TypeError: JSON cannot carry a value.
        ValueError: a name has other characters than letters, digits, `-` and `_`, or a value takes over 64 KiB, is
            nested over 100 levels, has a whole number over 512 bits or text that is no Unicode.
        OSError: the file cannot be written.
    """
    records = [_output(name, value) for name, value in values.items()]
    path = os.environ.get("PLUMBLINE_OUTPUT", "")
    if path:
        _append(path, records)
        return
    for record in records:
        _say(sys.stdout, f"output {record['name']}={_line(record['value'])}")


def _metric(name: Any, value: float, step: int | None, moment: str) -> dict[str, Any]:
    if not isinstance(name, str) or not 0 < len(name) <= _LONGEST_METRIC_NAME:
        raise ValueError(f"a metric's name has 1 to {_LONGEST_METRIC_NAME} characters, not {name!r}")
    record: dict[str, Any] = {"name": _text(name), "value": _number(float(value))}
    if step is not None:
        record["step"] = operator.index(step)
    record["timestamp"] = moment
    return record


def _output(name: Any, value: Any) -> dict[str, Any]:
    if not isinstance(name, str) or not _OUTPUT_NAME.fullmatch(name):
        raise ValueError(f"an output's name has letters, digits, - and _ only, not {name!r}")
    record = {"name": name, "value": _plain(value)}
    size = len(_line(record).encode())
    if size > _LONGEST_OUTPUT:
        where = "write it to a file under artifact_path() and give the path"
        raise ValueError(f"output {name!r} takes {size} bytes, more than {_LONGEST_OUTPUT}: {where}")
    return record


def _plain(value: Any, levels: int = 0) -> Any:
    if levels > _DEEPEST_OUTPUT:
        raise ValueError(f"an output is nested at most {_DEEPEST_OUTPUT} levels: write it to a file and give the path")
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (str, os.PathLike)):
        return _text(value if isinstance(value, str) else os.fsdecode(value))
    if isinstance(value, int):
        if value.bit_length() > _WIDEST_NUMBER:
            raise ValueError(f"a whole number of an output has at most {_WIDEST_NUMBER} bits: give it as text")
        return value
    if isinstance(value, float):
        return _number(value)
    if isinstance(value, Mapping):
        return {_text(str(key)): _plain(item, levels + 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, levels + 1) for item in value]
    if hasattr(value, "tolist"):  # arrays and scalars of numpy, tensors of torch
        return _plain(value.tolist(), levels)
    kind = type(value).__name__
    raise TypeError(f"an output cannot be a {kind}: give text, a number, a list or a mapping, or a file's path")


def _text(value: str) -> str:
    if _HALF.search(value):
        raise ValueError(f"{value!r} is no Unicode text: it has half of a surrogate pair")
    return value


def _number(value: float) -> float | str:
    if math.isnan(value):
        return "NaN"
    if math.isinf(value):
        return "Infinity" if value > 0 else "-Infinity"
    return value


def _now() -> str:
    nanoseconds = time.time_ns()
    seconds = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(nanoseconds // 10**9))
    return f"{seconds}.{nanoseconds // 1000 % 10**6:06}Z"


@functools.lru_cache(maxsize=1)
def _replica(path: str) -> dict[str, str]:
    """Which of several processes of one run this is; nothing when it is the only one. `path` keys the memory."""
    try:
        replica = context().get("replica", {}) if path else {}
    except RuntimeError:
        return {}
    role, index = replica.get("role", "main"), replica.get("index", 0)
    alone = role == "main" and replica.get("count", 1) == 1
    return {} if alone else {"replica": f"{role}/{index}"}


def _line(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, allow_nan=False)


def _append(path: str, records: list[dict[str, Any]]) -> None:
    """Append all lines by one write, which other threads and processes of this machine cannot split."""
    data = "".join(_line(record) + "\n" for record in records).encode()
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        if not _ends_line(descriptor):
            data = b"\n" + data
        while data:
            data = data[os.write(descriptor, data) :]
    finally:
        os.close(descriptor)


def _ends_line(descriptor: int) -> bool:
    """Whether the file ends where a line does: a program that was killed, or `echo -n`, may have left half a line."""
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or not status.st_size:
        return True
    os.lseek(descriptor, -1, os.SEEK_END)
    return os.read(descriptor, 1) == b"\n"


def _say(stream: Any, text: str) -> None:
    stream.write(text + "\n")
    stream.flush()


def _main(arguments: list[str]) -> int:
    if len(arguments) != 1 or not Path(arguments[0]).is_dir():
        _say(sys.stderr, "usage: python -m reconciler.tracking FOLDER   (puts plumbline_tracking.py there)")
        return 2
    target = Path(arguments[0], "plumbline_tracking.py")
    shutil.copyfile(__file__, target)
    _say(sys.stdout, f"wrote {target}")
    return 0


if __name__ == "__main__":
    sys.exit(_main(sys.argv[1:]))
