"""The graph of an operation: its layers, the reasons of its edges, and how it is drawn."""

from __future__ import annotations

import pytest

from planner.graph import Told, graph_of
from planner.render.graph import graph_mermaid, graph_text
from tests.planner.builders import dag, job, joining, node

pytestmark = pytest.mark.unit

INNER = dag("inner", node("x"), node(job("y", reads={"n": "inner/x.size"}), "x"))
FLOW = dag(
    "flow",
    node("prepare"),
    node(job("end", reads={"n": "prepare.size"}), "prepare"),
    node(INNER, "prepare"),
    node(joining(job("report"), "name: x"), "end", "inner", trigger="all_done", events={"end": ["running"]}),
)


def test_a_node_stands_in_the_first_layer_after_all_that_it_waits_for():
    found = graph_of(FLOW)
    assert [(one.path, one.kind, one.layer) for one in found.nodes] == [
        ("prepare", "job", 1),
        ("end", "job", 2),
        ("inner", "dag", 2),
        ("inner/x", "job", 1),
        ("inner/y", "job", 2),
        ("report", "job", 3),
    ]


def test_every_edge_says_why():
    assert [(edge.source, edge.target, edge.reasons) for edge in graph_of(FLOW).edges] == [
        ("prepare", "end", ("param n (outputs.size)",)),
        ("prepare", "inner", ("dependency",)),
        ("inner/x", "inner/y", ("param n (outputs.size)",)),
        ("end", "report", ("event running",)),
        ("inner", "report", ("dependency",)),
    ]


def test_an_operation_that_is_no_dag_is_one_node():
    found = graph_of(job("train"), {(): Told("failed", "exit code 1", "train@g1")})
    assert list(graph_text(found)) == [
        "train@g1 (job): 1 node in 1 layer, failed: exit code 1",
        "  1 train  job  failed: exit code 1",
    ]


def test_lines_for_a_terminal():
    told = {
        ("prepare",): Told("succeeded"),
        ("end",): Told("failed", "exit code 1"),
        (): Told("processing", "", "flow@g1"),
    }
    assert list(graph_text(graph_of(FLOW, told))) == [
        "flow@g1 (dag): 6 nodes in 3 layers, processing",
        "  1 prepare  job  succeeded",
        "  2 end      job  failed: exit code 1  after prepare (param n (outputs.size))",
        "    inner    dag                       after prepare",
        "      1 x    job",
        "      2 y    job                       after x (param n (outputs.size))",
        "  3 report   job                       after end (event running), inner [all_done]; 1 join",
    ]


def test_two_hundred_nodes_are_two_hundred_short_lines():
    names = [f"n{number:03}" for number in range(199)]
    found = list(graph_text(graph_of(dag("wide", *map(node, names), node("last", *names)))))
    assert len(found) == 201
    assert max(map(len, found)) < 80
    assert found[-1] == "  2 last  job    after n000, n001, n002, n003 and 195 more"


def test_a_flowchart():
    told = {("prepare",): Told("succeeded"), ("inner", "x"): Told("running")}
    assert list(graph_mermaid(graph_of(FLOW, told))) == [
        "flowchart TD",
        '    n0["prepare<br/>succeeded"]',
        '    n1["end"]',
        '    subgraph n2["inner"]',
        '        n3["x<br/>running"]',
        '        n4["y"]',
        "    end",
        '    n5["report<br/>all_done"]',
        '    n0 -->|"param n (outputs.size)"| n1',
        "    n0 --> n2",
        '    n3 -->|"param n (outputs.size)"| n4',
        '    n1 -->|"event running"| n5',
        "    n2 --> n5",
        "    classDef succeeded fill:#d4edda,stroke:#28a745",
        "    class n0 succeeded",
        "    classDef running fill:#cce5ff,stroke:#007bff",
        "    class n3 running",
    ]


def test_no_text_of_a_person_breaks_a_flowchart():
    odd = dag("flow", node("a"), node(job("b", reads={'x"]|<b>#': "a.size"}), "a"))
    assert list(graph_mermaid(graph_of(odd)))[-1] == (
        '    n0 -->|"param x#quot;#93;#124;#lt;b#gt;#35; (outputs.size)"| n1'
    )
