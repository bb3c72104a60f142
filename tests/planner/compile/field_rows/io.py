"""Rows of inputs and params for `test_field_classes`: a document, where the field is, and another value for it."""

RUN = {"kind": "job", "container": {"image": "i", "command": ["c"]}}
GIT = {"name": "g", "type": "git", "value": {"url": "https://example.org/a.git"}}
JOB = {
    "version": 1.1,
    "kind": "operation",
    "name": "t",
    "params": {"x": {"value": 3}, "g": {"value": GIT["value"]}},
    "component": {"inputs": [{"name": "x", "value": 1}, GIT], "run": RUN},
}

ROWS = {
    "IO.connection": (JOB, "component/inputs/0/connection", "c"),
    "IO.to_init": (JOB, "component/inputs/1/toInit", True),
    "IO.to_env": (JOB, "component/inputs/0/toEnv", "X"),
    "Param.connection": (JOB, "params/x/connection", "c"),
    "Param.to_init": (JOB, "params/g/toInit", True),
    "Param.to_env": (JOB, "params/x/toEnv", "X"),
}
