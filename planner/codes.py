"""The codes of problems: stable names that users search for.

A code never changes its meaning; a retired one is not given out again. Hundreds name the reader that found it.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

__all__ = ["CODES", "GROUPS", "Code"]


class Code(NamedTuple):
    """What a code says, in whichever file it is found.

    Attributes:
        meaning: what is wrong, in a few words.
        help: what to do, in a sentence or two.
    """

    meaning: str
    help: str


GROUPS: Mapping[str, str] = MappingProxyType(
    {
        "PL-1": "The text of a file",
        "PL-2": "The shape of documents",
        "PL-3": "References between documents and inside a DAG",
        "PL-4": "Inputs, params and templates",
        "PL-5": "Schedules",
        "PL-6": "The repository's own settings",
        "PL-7": "What compiles, but not here",
        "PL-9": "Faults of ours",
    }
)
"""What the codes of a hundred are about, by how they begin."""

CODES: Mapping[str, Code] = MappingProxyType(
    {
        # 1xx: the YAML reader
        "PL-101": Code(
            "not valid YAML", "Repair the syntax at the place; the real mistake is often in the line before."
        ),
        "PL-102": Code("duplicate key", "Keep one of the two keys: YAML would silently take the last."),
        "PL-103": Code(
            "file too large", "Split the file, or move data out of it: a spec file may have a million bytes."
        ),
        "PL-104": Code("nested too deeply", "Flatten the value: 64 levels are the most."),
        "PL-105": Code(
            "too many aliases, merge keys or nodes",
            "Write less, or use fewer aliases: what a file expands to is bounded, so that no file can stop the daemon.",
        ),
        "PL-106": Code(
            "value not allowed in a spec file (tag, complex key, out-of-range number or date)",
            "Write the value in the plain types of YAML 1.2: text, numbers, true and false, null, lists and mappings.",
        ),
        "PL-107": Code("not UTF-8 text", "Save the file as UTF-8, without control characters."),
        "PL-108": Code("recursive alias", "Remove the alias that leads back into its own anchor."),
        # 2xx: the shape of documents
        "PL-201": Code(
            "unknown field",
            "Correct the spelling, or move the field to the section that has it; the hint names the likeliest.",
        ),
        "PL-202": Code("required field missing", "Add the field; the reference pages say what it takes."),
        "PL-203": Code(
            "wrong type", "Write the value in the type that the field takes; quotes turn a number into text and back."
        ),
        "PL-204": Code("value not allowed", "Use one of the values, or a value in the range, that the message names."),
        "PL-205": Code("field not supported yet", "Leave the field out, or use what the hint names instead."),
        "PL-206": Code("unknown kind", "Use one of the kinds that the hint lists."),
        "PL-207": Code("wrong version", "Write `version: 1.1`."),
        "PL-208": Code("bad name", "Rename it: letters, digits, `-` and `_`, up to 128 of them, and no template."),
        "PL-209": Code("fields that exclude each other", "Keep one of the fields."),
        "PL-210": Code(
            "included file is not a spec file",
            "Add `version: 1.1` and `kind` to the file, or leave it out by `paths` of `.plumbline.yaml`.",
        ),
        "PL-211": Code("declared twice", "Rename or remove one of the two."),
        "PL-212": Code("more problems than are shown", "Repair what is shown and look again: the rest is told then."),
        # 3xx: references between documents and inside a DAG
        "PL-301": Code("two operations with one name", "Rename one of them: the one that is in force stays so."),
        "PL-302": Code("reference not found", "Correct the path or the name, or add what it should lead to."),
        "PL-303": Code(
            "dependency cycle", "Break the cycle: let one of its members not wait for, or hold, the others."
        ),
        "PL-304": Code("unknown operation in a DAG", "Name an operation of the same DAG."),
        "PL-305": Code(
            "unknown output or input of a referenced operation",
            "Declare the output or input there, or name one that is declared.",
        ),
        "PL-306": Code(
            "types do not match", "Give both sides types that go together, or convert the value between them."
        ),
        "PL-307": Code("operation without a name", "Add a `name`; the hint has one to paste."),
        "PL-308": Code(
            "symlink or submodule in a place that a spec or run reads",
            "Commit the file itself in place of the symlink or submodule.",
        ),
        "PL-309": Code("component never used", "Use the component, or remove it; nothing is held back by it."),
        "PL-310": Code(
            "component outside of the repository cannot be had",
            "Correct the name or the URL, or see that the hub or host can be reached.",
        ),
        "PL-311": Code(
            "component outside of the repository is not looked up here",
            "Nothing to do here: the daemon looks it up. `-c` names its configuration, with its hubs.",
        ),
        # 4xx: inputs, params, templates
        "PL-401": Code(
            "unknown param",
            "Correct the name, declare the input, or say `contextOnly: true` for what only templates read.",
        ),
        "PL-402": Code("input without a value", "Give the input a param, a default by `value`, or `isOptional: true`."),
        "PL-403": Code(
            "value does not fit the type of its input", "Give a value of the type, or change the type of the input."
        ),
        "PL-404": Code("template syntax", "Repair the template at the place."),
        "PL-405": Code(
            "undefined variable in a template", "Name a variable that is known there; the page on templates lists them."
        ),
        "PL-406": Code(
            "not allowed in a template",
            "Write it without: templates reach values, never attributes, secrets or the program.",
        ),
        "PL-407": Code("template too costly", "Make the template smaller: steps and size are bounded."),
        "PL-409": Code(
            "value fails its input's validation", "Give a value that passes, or change `validation` of the input."
        ),
        # 5xx: schedules
        "PL-501": Code(
            "bad cron expression", "Write minute, hour, day, month and weekday, or one of the presets such as `@daily`."
        ),
        "PL-502": Code("unknown time zone", "Use a name of the IANA database, such as `Europe/Berlin`."),
        "PL-503": Code("schedule that can never fire", "Name a date that exists, or an end that is after the start."),
        "PL-504": Code(
            "bad instant or duration", "Write an instant as `2026-11-23T06:00:00Z`, a duration as seconds or as `PT1H`."
        ),
        # 6xx: the repository's own settings
        "PL-601": Code(
            "bad .plumbline.yaml", "Correct `.plumbline.yaml`; until then what it said before stays in force."
        ),
        "PL-602": Code("project name changed", "Change the name back, or approve the hold."),
        "PL-603": Code(
            "setting looser than the daemon's", "Tighten the setting, or have the daemon's configuration allow it."
        ),
        # 7xx: compiles, but not here
        "PL-701": Code("cannot run on this backend", "Choose a kind, an environment or a queue that the backend has."),
        "PL-702": Code(
            "request above every limit of its queue", "Ask for less, or have the limit of the queue raised."
        ),
        "PL-703": Code(
            "command names a file that its run will not see",
            "Add an `init` entry with `git` that puts the file in place.",
        ),
        "PL-704": Code("has no effect here", "Remove the field, or run where it counts."),
        # 9xx: our own fault
        "PL-901": Code(
            "Plumbline failed on this file", "Please report it with the file; other files are not affected."
        ),
    }
)
