"""Logs and metrics. The only module that configures logging; metrics have one registry per daemon."""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import structlog
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

__all__ = ["Metrics", "configure_logging", "log"]

log: structlog.stdlib.BoundLogger = structlog.get_logger("plumbline")


def configure_logging(*, json: bool, level: str = "info") -> None:
    """Send structured lines to standard error: JSON for machines, aligned text for people."""
    renderer: structlog.types.Processor = (
        structlog.processors.JSONRenderer()
        if json
        # Plain tracebacks: pretty ones print the values of variables, and with them secrets.
        else structlog.dev.ConsoleRenderer(
            colors=sys.stderr.isatty(), exception_formatter=structlog.dev.plain_traceback
        )
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            *([structlog.processors.format_exc_info] if json else [_quoted]),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level.upper()]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    logging.basicConfig(handlers=[_OfLibraries(logging.WARNING)])


class _OfLibraries(logging.Handler):
    """What libraries log, as lines like ours.

    An exception is one line without its traceback: what concerns us is raised to us, too, and told then. What a library
    only logs failed behind its back, as the rest of a request does when a server goes away.
    """

    def emit(self, record: logging.LogRecord) -> None:
        try:
            said = record.getMessage().partition("\n")[0]
        except (TypeError, ValueError):  # its arguments do not fit its words: no reason to fail in the library
            said = str(record.msg)
        error = record.exc_info[1] if record.exc_info else None
        more = {"error": f"{type(error).__name__}: {error}"} if error is not None else {}
        log.log(record.levelno, said, library=record.name, **more)


@dataclass(frozen=True, slots=True)
class _Quoted:
    """A text that the renderer for people shows as Python writes it."""

    text: str

    def __repr__(self) -> str:
        return repr(self.text)


def _quoted(_: object, __: str, said: structlog.types.EventDict) -> structlog.types.EventDict:
    """Texts of others must not move a terminal's cursor, or turn round what stands beside them."""
    for name, value in said.items():
        if isinstance(value, str) and not value.isprintable():
            said[name] = _Quoted(value)
    return said


class Metrics:
    """What `/metrics` shows."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._reconciles = Histogram(
            "plumbline_reconcile_seconds", "Time of one reconcile", ["kind"], registry=self.registry
        )
        self._crashes = Counter(
            "plumbline_reconcile_crashes_total", "Reconciles that our own fault ended", ["kind"], registry=self.registry
        )
        self._polls = Counter(
            "plumbline_source_polls_total", "Times that the remote said where its branch is", registry=self.registry
        )
        self._posts = Counter("plumbline_status_posts_total", "Batches of statuses told", registry=self.registry)
        self._deliveries = Counter(
            "plumbline_webhook_deliveries_total",
            "Webhooks that were received",
            ["forge", "verdict"],
            registry=self.registry,
        )
        self.queue_depth = Gauge("plumbline_queue_depth", "Names whose turn it is", registry=self.registry)
        self.live_runs = Gauge("plumbline_live_attempts", "Attempts that may be alive", registry=self.registry)
        self.source_age = Gauge(
            "plumbline_source_age_seconds",
            "Time since what is planned was last known to be the branch's head",
            registry=self.registry,
        )

        # A replica that stands by has a page of its own, with 0 there.
        Gauge("plumbline_leader", "Whether this replica leads", registry=self.registry).set(1)

    @contextmanager
    def reconcile(self, kind: str) -> Iterator[None]:
        """Measure one reconcile."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self._reconciles.labels(kind).observe(time.perf_counter() - begun)

    def crashed(self, kind: str) -> None:
        """Count a crash of a reconcile."""
        self._crashes.labels(kind).inc()

    def polled(self) -> None:
        """Count an answer of the remote."""
        self._polls.inc()

    def posted(self) -> None:
        """Count a batch of statuses."""
        self._posts.inc()

    def delivered(self, forge: str, verdict: str) -> None:
        """Count a webhook: who says to have sent it, and what became of it."""
        self._deliveries.labels(forge, verdict).inc()

    def text(self) -> bytes:
        """The exposition format."""
        return generate_latest(self.registry)
