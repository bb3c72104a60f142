"""The parts of the sample that need no library: how far samples are apart, what a client may send."""

import importlib.util
import json
import random
import sys
import types

import pytest

pytestmark = pytest.mark.unit


def load(sample, name):
    spec = importlib.util.spec_from_file_location(f"sample_{name}", sample / "digits" / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def stability(sample):
    return load(sample, "stability")


@pytest.fixture(scope="module")
def request_(sample):
    return load(sample, "request")


def test_a_sample_is_not_apart_from_itself(stability):
    values = [float(number) for number in range(100)]

    assert stability.index(values, values) == 0
    assert stability.index(values, values[::-1]) == 0


def test_a_draw_of_the_same_source_stays_under_the_limit(stability):
    draw = random.Random(3)
    reference = [draw.gauss(5, 1) for _ in range(1800)]

    assert all(stability.index(reference, draw.sample(reference, 400)) < 0.1 for _ in range(50))


def test_a_moved_source_goes_over_the_limit(stability):
    draw = random.Random(3)
    reference = [draw.gauss(5, 1) for _ in range(1800)]

    assert stability.index(reference, [draw.gauss(6, 1) for _ in range(400)]) > 0.25


@pytest.mark.parametrize(
    ("reference", "recent"),
    [
        pytest.param([1.0] * 5, [1.0], id="one-value"),
        pytest.param([1.0, 2.0], [2.0, 3.0], id="fewer-values-than-parts"),
        pytest.param(list(range(100)), [-1000.0], id="all-in-one-part"),
    ],
)
def test_any_samples_have_a_finite_distance(stability, reference, recent):
    assert 0 <= stability.index(reference, recent) < 100


@pytest.mark.parametrize(("reference", "recent"), [([], [1.0]), ([1.0], [])])
def test_nothing_has_no_distance(stability, reference, recent):
    with pytest.raises(ValueError, match="at least one value"):
        stability.index(reference, recent)


def test_images_are_64_numbers(request_):
    body = json.dumps({"images": [[0] * 63 + [16], [1.5] * 64]}).encode()

    assert request_.parse(body) == [[0.0] * 63 + [16.0], [1.5] * 64]


@pytest.mark.parametrize(
    ("body", "says"),
    [
        pytest.param(b"", "not JSON", id="empty"),
        pytest.param(b"\xff\xfe", "not JSON", id="bytes"),
        pytest.param(b"[" * 100_000, "not JSON", id="deep"),
        pytest.param(b"[]", 'send {"images"', id="list"),
        pytest.param(b'{"images": []}', 'send {"images"', id="no-images"),
        pytest.param(b'{"images": [[1, 2]]}', "image 0 is not a list of 64", id="short"),
        pytest.param(json.dumps({"images": [[0] * 64, 7]}).encode(), "image 1 is not", id="second"),
        pytest.param(json.dumps({"images": [["1"] * 64]}).encode(), "something else", id="text"),
        pytest.param(json.dumps({"images": [[True] * 64]}).encode(), "something else", id="bool"),
        pytest.param(json.dumps({"images": [[17] * 64]}).encode(), "something else", id="too-dark"),
        pytest.param(json.dumps({"images": [[float("nan")] * 64]}).encode(), "something else", id="nan"),
        pytest.param(json.dumps({"images": [[0] * 64] * 257}).encode(), "256 is the most", id="many"),
    ],
)
def test_a_bad_request_is_told_what_to_send(request_, body, says):
    with pytest.raises(request_.RequestError, match=says):
        request_.parse(body)


def test_the_best_network_is_the_first_with_the_highest_accuracy(sample, monkeypatch):
    monkeypatch.setitem(sys.modules, "plumbline_tracking", types.ModuleType("plumbline_tracking"))
    choose = load(sample, "choose")

    assert choose.best([("a", 0.9), ("b", 0.97), ("c", 0.97)]) == ("b", 0.97)
    with pytest.raises(SystemExit, match="no network was trained yet"):
        choose.best([])
