"""The codes of problems: stable names that users search for.

A code never changes its meaning; a retired one is not given out again. Hundreds name the reader that found it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["CODES"]

CODES: Mapping[str, str] = MappingProxyType(
    {
        # 1xx: the YAML reader
        "PL-101": "not valid YAML",
        "PL-102": "duplicate key",
        "PL-103": "file too large",
        "PL-104": "nested too deeply",
        "PL-105": "too many aliases, merge keys or nodes",
        "PL-106": "value not allowed in a spec file (tag, complex key, out-of-range number or date)",
        "PL-107": "not UTF-8 text",
        "PL-108": "recursive alias",
        # 2xx: the shape of documents
        "PL-201": "unknown field",
        "PL-202": "required field missing",
        "PL-203": "wrong type",
        "PL-204": "value not allowed",
        "PL-205": "field not supported yet",
        "PL-206": "unknown kind",
        "PL-207": "wrong version",
        "PL-208": "bad name",
        "PL-209": "fields that exclude each other",
        "PL-210": "included file is not a spec file",
        "PL-211": "declared twice",
        "PL-212": "more problems than are shown",
        # 3xx: references between documents and inside a DAG
        "PL-301": "two operations with one name",
        "PL-302": "reference not found",
        "PL-303": "dependency cycle",
        "PL-304": "unknown operation in a DAG",
        "PL-305": "unknown output or input of a referenced operation",
        "PL-306": "types do not match",
        "PL-307": "operation without a name",
        "PL-308": "symlink or submodule in a place that a spec or run reads",
        "PL-309": "component never used",
        "PL-310": "component outside of the repository cannot be had",
        "PL-311": "component outside of the repository is not looked up here",
        # 4xx: inputs, params, templates
        "PL-401": "unknown param",
        "PL-402": "input without a value",
        "PL-403": "value does not fit the type of its input",
        "PL-404": "template syntax",
        "PL-405": "undefined variable in a template",
        "PL-406": "not allowed in a template",
        "PL-407": "template too costly",
        "PL-409": "value fails its input's validation",
        # 5xx: schedules
        "PL-501": "bad cron expression",
        "PL-502": "unknown time zone",
        "PL-503": "schedule that can never fire",
        "PL-504": "bad instant or duration",
        # 6xx: the repository's own settings
        "PL-601": "bad .plumbline.yaml",
        "PL-602": "project name changed",
        "PL-603": "setting looser than the daemon's",
        # 7xx: compiles, but not here
        "PL-701": "cannot run on this backend",
        "PL-702": "request above every limit of its queue",
        "PL-703": "command names a file that its run will not see",
        "PL-704": "has no effect here",
        # 9xx: our own fault
        "PL-901": "Plumbline failed on this file",
    }
)
