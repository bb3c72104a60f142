"""What the fields and kinds of the language are called elsewhere: in Kubernetes, Argo, Airflow, and earlier Polyaxon.

Only for hints: a synonym is never taken for the word that it stands for.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["SYNONYMS"]

_MEANT: Mapping[str, str] = MappingProxyType(
    {
        # inputs, outputs and params
        "params": "parameters hyperparameters hyperparams arguments searchSpace space",
        "ge": "min minimum atLeast",
        "le": "max maximum atMost",
        "gt": "exclusiveMinimum above",
        "lt": "exclusiveMaximum below",
        "regex": "pattern match",
        "options": "enum choices allowed oneOf",
        "value": "default values",
        "isOptional": "optional required nullable",
        "isList": "list array many repeated",
        "isFlag": "flag switch",
        "toEnv": "env envVar variable",
        # containers
        "env": "environment environmentVariables envVars variables vars",
        "workingDir": "cwd workdir directory",
        "command": "entrypoint cmd script run exec",
        "args": "arguments argv",
        "image": "dockerImage",
        "container": "containers spec template podTemplate",
        "environment": "pod podSpec env",
        "sidecars": "containers sidecar",
        "init": "initContainers initContainer artifacts",
        # documents and graphs
        "kind": "type class",
        "operations": "ops steps tasks nodes stages jobs templates",
        "components": "templates",
        "dependencies": "dependsOn depends needs upstream upstreams after requires",
        "conditions": "when if condition only",
        "trigger": "triggerRule runAfter on",
        "component": "template inline",
        "hubRef": "hub uses componentRef ref",
        "pathRef": "path file include",
        "urlRef": "url uri",
        "dagRef": "templateRef",
        "hooks": "actions onExit callbacks handlers onFailure onSuccess",
        "isApproved": "approved manual approval",
        "presets": "profiles preset",
        "tags": "labels keywords",
        "description": "comment doc help summary",
        "runPatch": "patch overrides podSpecPatch",
        # how long, how often, how many
        "maxRetries": "retries backoffLimit retryLimit retry retryStrategy restarts attempts maxAttempts",
        "timeout": "activeDeadlineSeconds deadline timeoutSeconds maxDuration executionTimeout",
        "ttl": "ttlSecondsAfterFinished ttlStrategy retention expiry",
        "concurrency": "parallelism parallel maxParallel maxConcurrency maxActiveTasks poolSize",
        "replicas": "instances numReplicas nodes workers size count",
        "cron": "crontab expression cronExpression schedule scheduleInterval",
        "frequency": "interval every period step",
        "timezone": "tz zone timeZoneName",
        "startAt": "startDate from begin since",
        "endAt": "endDate until to stopAt",
        "maxRuns": "times limit repeat",
        "maxCatchUp": "catchup backfill",
        "missed": "catchup misfire",
        "startDeadline": "startingDeadlineSeconds misfireGraceTime",
        "concurrencyPolicy": "overlap overlapPolicy",
        # sweeps
        "numRuns": "trials numTrials maxTrials maxTrialCount nExperiments numExperiments samples count",
        "maxIterations": "iterations rounds steps maxIter",
        "numInitialRuns": "initialTrials warmup",
        "optimization": "goal mode direction objective",
        "metric": "objective target",
        "algorithm": "algo method strategy",
        "earlyStopping": "stopping pruner stop",
        "eta": "reductionFactor",
        "seed": "randomState randomSeed",
        # kinds
        "job": "batch pod container experiment task",
        "service": "deployment statefulset server app notebook tensorboard",
        "dag": "workflow pipeline flow graph",
        "grid": "gridsearch gridSearch",
        "random": "randomsearch randomSearch",
        "bayes": "bayesian bo",
        "mapping": "foreach withItems map",
        "operation": "run workflow job polyaxonfile experiment group",
        "interval": "periodic every",
        "datetime": "once date at",
        "tfjob": "tensorflow",
        "pytorchjob": "torch",
        "mpijob": "horovod",
    }
)
"""The words for each of ours, with the likeliest first."""


def _by_synonym() -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for ours, theirs in _MEANT.items():
        for word in theirs.split():
            found[word.lower()] = (*found.get(word.lower(), ()), ours)
    return MappingProxyType(found)


SYNONYMS: Mapping[str, tuple[str, ...]] = _by_synonym()
"""What a word, in lower case, may stand for: the first that is known where it stands was meant."""
