"""The trials of a sweep on the page of its run: the best first, a page of them at a time. Pure but for what it asks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from planner.render.span import span
from reconciler.api.problems import ApiError
from reconciler.api.service import Service
from reconciler.api.sweeps import Asked
from reconciler.pages.made import Pager
from reconciler.pages.words import Cut, cut, number

__all__ = ["Trials", "trials", "trials_of"]

_PARAMS = 8
_CHOICES = 5
_LONGEST = 60
"""Letters of a value in the table."""


@dataclass(frozen=True, slots=True)
class Trials:
    """What the page shows of a sweep.

    Attributes:
        search: its kind.
        progress: how it stands.
        metric: by which its trials are compared; "" for none.
        best: key of the best trial, its value and its params; None where none has a value.
        names: params that have a column.
        more: how many further params there are.
        rows: a part of the trials.
        pager: which part.
        params: what each param has to do with the metric.
    """

    search: str
    progress: str
    metric: str
    best: Mapping[str, Any] | None
    names: Sequence[str]
    more: int
    rows: Sequence[Mapping[str, Any]]
    pager: Pager
    params: Sequence[Mapping[str, Any]]


async def trials(service: Service, key: str, pager: Pager) -> Trials | None:
    """The trials of the sweep `key`; None where what it was made of is not known any more."""
    try:
        found: Mapping[str, Any] = await service.sweep(Asked(key))
    except ApiError:
        return None
    return trials_of(found, pager)


def trials_of(found: Mapping[str, Any], pager: Pager) -> Trials:
    """The same of what the API says of the sweep."""
    names = list(dict.fromkeys(name for one in found["trials"] for name in one["params"]))
    shown, best = names[:_PARAMS], found["best"]
    return Trials(
        search=found["search"],
        progress=found["progress"],
        metric=found["metric"] or "",
        best={**best, "told": [(name, _cell(best["params"], name)) for name in best["params"]][: 2 * _PARAMS]}
        if best is not None
        else None,
        names=shown,
        more=len(names) - len(shown),
        rows=[_row(one, shown, best) for one in found["trials"][pager.window]],
        pager=pager.of(len(found["trials"])),
        params=[_param(one) for one in found["params"] if one["count"]][: 2 * _PARAMS],
    )


def _row(one: Mapping[str, Any], names: Sequence[str], best: Mapping[str, Any] | None) -> Mapping[str, Any]:
    value, latest = one["value"], one["latest"]
    return {
        **one,
        "name": f"{one['number']:04d}",
        "is_best": best is not None and best["number"] == one["number"],
        "value": number(value) if value is not None else "",
        "latest": number(latest) if latest is not None and value is None else "",
        "cells": [_cell(one["params"], name) for name in names],
        "took": span(one["seconds"]) if one["seconds"] is not None else "",
    }


def _cell(params: Mapping[str, Any], name: str) -> Cut:
    value = params.get(name)
    if value is None:
        return Cut("")
    return Cut(number(value)) if isinstance(value, float) else cut(value, _LONGEST)


def _param(one: Mapping[str, Any]) -> Mapping[str, Any]:
    choices = [f"{cut(each['value'], 30).text}: {number(each['mean'])} ({each['count']})" for each in one["choices"]]
    more = f" and {len(choices) - _CHOICES} more" if len(choices) > _CHOICES else ""
    rho = one["correlation"]
    return {
        "name": one["name"],
        "count": one["count"],
        "correlation": f"{rho:+.2f}" if rho is not None else "",
        "choices": ", ".join(choices[:_CHOICES]) + more,
    }
