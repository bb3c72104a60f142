"""What differs between two objects of a cluster, as fields for people. Pure: values in, values out.

Items of lists that have names go by them, not by their places. What the API server fills in where nobody says anything
is no difference: it is in a table here (decision 0109). What must never be left out: a value that was asked for and is
another one now.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from planner.canon import Json
from planner.model.plan import FieldChange
from planner.spec.queues import amount

__all__ = ["admitted", "between", "worded"]

Fields = dict[str, Json]

_NAMES = ("name", "mountPath", "containerPort", "host", "path")
"""By which an item of a list goes, where all of its siblings have it."""
_CONTAINER = r"/spec(/template/spec)?/(initContainers|containers)/[^/]+"
_PROBE = rf"{_CONTAINER}/(livenessProbe|readinessProbe|startupProbe)"
_POD = r"/spec(/template/spec)?"

_TAINTS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")

_DEFAULTS: Sequence[tuple[str, Sequence[Json]]] = (
    # of every pod
    (rf"{_POD}/dnsPolicy", ("ClusterFirst",)),
    (rf"{_POD}/restartPolicy", ("Always",)),
    (rf"{_POD}/schedulerName", ("default-scheduler",)),
    (rf"{_POD}/terminationGracePeriodSeconds", (30,)),
    (rf"{_POD}/enableServiceLinks", (True,)),
    (rf"{_POD}/preemptionPolicy", ("PreemptLowerPriority",)),
    (rf"{_POD}/priority", (0,)),
    (rf"{_POD}/serviceAccount(Name)?", ("default",)),
    (rf"{_POD}/tolerations/[0-9]+/.*", ("Exists", "NoExecute", 300, *_TAINTS)),
    # of its containers
    (rf"{_CONTAINER}/imagePullPolicy", ("Always", "IfNotPresent")),
    (rf"{_CONTAINER}/terminationMessagePath", ("/dev/termination-log",)),
    (rf"{_CONTAINER}/terminationMessagePolicy", ("File",)),
    (rf"{_CONTAINER}/ports/[^/]+/protocol", ("TCP",)),
    (rf"{_CONTAINER}/env/[^/]+/valueFrom/fieldRef/apiVersion", ("v1",)),
    (rf"{_CONTAINER}/volumeMounts/[^/]+/recursiveReadOnly", ("Disabled",)),
    (rf"{_PROBE}/(failureThreshold)", (3,)),
    (rf"{_PROBE}/(successThreshold|timeoutSeconds)", (1,)),
    (rf"{_PROBE}/periodSeconds", (10,)),
    (rf"{_PROBE}/httpGet/scheme", ("HTTP",)),
    # of its volumes
    (rf"{_POD}/volumes/[^/]+/(configMap|secret|projected|downwardAPI)/defaultMode", (420,)),
    (rf"{_POD}/volumes/[^/]+/.*/apiVersion", ("v1",)),
    # of workloads
    (r"/spec/completionMode", ("NonIndexed",)),
    (r"/spec/podReplacementPolicy", ("TerminatingOrFailed", "Failed")),
    (r"/spec/(suspend|manualSelector|paused)", (False,)),
    (r"/spec/(parallelism|completions|replicas)", (1,)),
    (r"/spec/backoffLimit", (6,)),
    (r"/spec/revisionHistoryLimit", (10,)),
    (r"/spec/progressDeadlineSeconds", (600,)),
    (r"/spec/strategy/type", ("RollingUpdate",)),
    (r"/spec/strategy/rollingUpdate/max(Surge|Unavailable)", ("25%",)),
    # of what leads to them
    (r"/spec/(sessionAffinity)", ("None",)),
    (r"/spec/internalTrafficPolicy", ("Cluster",)),
    (r"/spec/ipFamilyPolicy", ("SingleStack",)),
)
"""What the API server says where nobody did, by pointer."""
_TABLE = [(re.compile(at), values) for at, values in _DEFAULTS]
_OWN = re.compile(
    r"/spec/selector(/.*)?"
    r"|/spec/(clusterIPs?|ipFamilies)(/.*)?"
    r"|.*/labels/(controller-uid|job-name|batch\.kubernetes\.io~1.*|pod-template-hash)"
    r"|.*/(labels|annotations)/(plumbline\.dev~1.*|app\.kubernetes\.io~1instance)"
    r"|.*/env/(PLUMBLINE_(RUN|COMMIT)|POLYAXON_RUN_INSTANCE)/.*"
    r"|.*/annotations/deployment\.kubernetes\.io~1revision"
    r"|.*/creationTimestamp"
    r"|/spec(/template/spec)?/volumes/kube-api-access-[^/]+(/.*)?"
    r"|/spec(/template/spec)?/(initContainers|containers)/[^/]+/volumeMounts/[^/]*serviceaccount(/.*)?"
)
"""What names an object, and what the API server or a controller writes into every one in words of its own."""


def admitted(asked: Mapping[str, Any], answered: Mapping[str, Any], kind: str) -> tuple[FieldChange, ...]:
    """What the cluster makes of what it is asked for, beyond its defaults: what rules of admission change.

    Args:
        asked: an object as it is sent.
        answered: as it would be kept.
        kind: what pointers begin with.
    """
    return tuple(one for one in _changes((_fields(asked), _fields(answered)), kind) if not _is_default(one, kind))


def between(before: Mapping[str, Any], after: Mapping[str, Any], kind: str) -> tuple[FieldChange, ...]:
    """What differs between two objects, both as the cluster keeps them."""
    return tuple(_changes((_fields(before), _fields(after)), kind))


def worded(value: Any, words: Mapping[str, str]) -> Any:
    """`value` with words replaced in all of its texts, the longest first: what names an attempt is no difference."""
    if isinstance(value, str):
        for word in sorted(words, key=len, reverse=True):
            value = value.replace(word, words[word])
        return value
    if isinstance(value, Mapping):
        return {worded(name, words): worded(item, words) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [worded(item, words) for item in value]
    return value


def _changes(sides: tuple[Fields, Fields], kind: str) -> Iterator[FieldChange]:
    before, after = sides
    for at in sorted({*before, *after}):
        old, new = before.get(at), after.get(at)
        if _OWN.fullmatch(at) or (at in before and at in after and _is_same(at, old, new)):
            continue
        yield FieldChange(f"{kind}{at}", old, new, added=at not in before, removed=at not in after)


def _is_same(at: str, before: Json, after: Json) -> bool:
    if before == after:
        return True
    if "/resources/" not in at and not at.endswith("/sizeLimit"):
        return False
    amounts = [amount(str(value)) for value in (before, after)]
    return None not in amounts and amounts[0] == amounts[1]


def _is_default(change: FieldChange, kind: str) -> bool:
    at = change.pointer.removeprefix(kind)
    return change.added and any(change.after in values for pattern, values in _TABLE if pattern.fullmatch(at))


def _fields(item: Mapping[str, Any]) -> Fields:
    """What counts of an object: its spec or data, its labels and annotations."""
    meta = item.get("metadata") or {}
    said = {name: meta[name] for name in ("labels", "annotations") if meta.get(name)}
    counted: dict[str, Any] = {"metadata": said} if said else {}
    counted |= {name: item[name] for name in ("spec",) if name in item}
    found: Fields = {}
    _flatten(counted, "", found)
    return found


def _flatten(value: Any, at: str, into: Fields) -> None:
    """Every scalar by its pointer. What is empty is the same as what is not said, but for a folder that is one."""
    if value and isinstance(value, Mapping):
        for name, item in value.items():
            _flatten(item, f"{at}/{_escaped(str(name))}", into)
    elif value and isinstance(value, list | tuple):
        for name, item in zip(_names_of(value), value, strict=True):
            _flatten(item, f"{at}/{_escaped(name)}", into)
    elif value not in (None, "", [], {}) or at.endswith("/emptyDir"):
        into[at] = value


def _names_of(items: Sequence[Any]) -> Sequence[str]:
    """How the items of a list are called: by what names each of them, else by place."""
    for name in _NAMES:
        found = [str(item[name]) for item in items if isinstance(item, Mapping) and name in item]
        if len(found) == len(items) == len(set(found)):
            return found
    return [str(number) for number in range(len(items))]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
