"""No bytes make the readers raise, and none keep them busy."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.spec.load import load, looks_like_spec
from planner.spec.repository import load_repository

pytestmark = pytest.mark.unit

VOCABULARY = """
version kind component operation run job service dag operations container env args image params ref ops.a value
schedule cron interval frequency startAt endAt timezone jitter termination maxRetries max_retries inputs name type
int matrix init git paths defaults moved policies match budgets 1.1 environment labels ports readinessProbe httpGet
PT1H P999999999W 999999:00:00 2026-01-01 0001-01-01T00:00+14:00 UTC @daily ../x Ü \ud7ff [key] <job> {{x}} {{ x {}
"""
WORDS = st.sampled_from([*VOCABULARY.split(), "", "* * * * *", "{{ x }}"])
SCALARS = st.one_of(WORDS, st.none(), st.booleans(), st.integers(-(2**65), 2**65), st.floats(), st.just(1.1))
TREES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=5), max_leaves=25
)


def spec(body):
    """A document that gets past the first rules, so that the deeper ones are reached."""
    return {"version": 1.1, "kind": "operation", "component": {"run": body}, **(body if isinstance(body, dict) else {})}


def text_of(value) -> str:
    """JSON-like text, with what JSON cannot say left as YAML words."""
    match value:
        case dict():
            return "{" + ", ".join(f"{text_of(key)}: {text_of(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(text_of, value)) + "]"
        case str():
            return "'" + value.replace("'", "''") + "'"
        case None:
            return "null"
        case _:
            return str(value).lower()


def read_all(data: bytes) -> None:
    loaded = load("f.yaml", data)
    assert loaded.documents or loaded.problems
    assert not loaded.valid or all(document.spec for document in loaded.documents)
    assert looks_like_spec(data) in {"other", loaded.look}
    load_repository(".plumbline.yaml", data)


@settings(max_examples=200, deadline=2_000)
@given(st.binary(max_size=400))
def test_any_bytes(data):
    read_all(data)


@settings(max_examples=200, deadline=2_000)
@given(st.text(max_size=200))
def test_any_text(text):
    read_all(text.encode("utf-8", "replace"))


@settings(max_examples=400, deadline=2_000)
@given(TREES)
def test_any_tree(tree):
    read_all(text_of(tree).encode())


@settings(max_examples=400, deadline=2_000)
@given(st.dictionaries(WORDS, TREES, max_size=6))
def test_any_tree_in_a_spec(tree):
    read_all(text_of(spec(tree)).encode())
