"""The template language: Jinja's syntax, our own evaluator.

Jinja's lexer and parser read the text; `lower` translates an allow-list of its nodes into the closed tree of
`nodes`; everything else is a `TemplateError`. Values are JSON data and nothing else, so an expression can reach data
that was handed in and never a Python attribute, a global or a secret. Every evaluation draws on a `Budget`.

This package must never call Jinja's compiler or runtime. docs/templates.md describes the language for its users.
"""

from planner.compile.template.bind import Bound, Flaw, bind, finish
from planner.compile.template.budget import Budget
from planner.compile.template.errors import TemplateError
from planner.compile.template.evaluate import evaluate
from planner.compile.template.needs import undefined, waiting
from planner.compile.template.parse import Template, compile_expression, compile_template, is_template, names
from planner.compile.template.reads import Read
from planner.compile.template.symbols import Scope, Symbol

__all__ = [
    "Bound",
    "Budget",
    "Flaw",
    "Read",
    "Scope",
    "Symbol",
    "Template",
    "TemplateError",
    "bind",
    "compile_expression",
    "compile_template",
    "evaluate",
    "finish",
    "is_template",
    "names",
    "undefined",
    "waiting",
]
