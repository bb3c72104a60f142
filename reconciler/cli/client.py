"""The client of the daemon's API, on its Unix socket. Every way in which it can fail is one sentence."""

from __future__ import annotations

import contextlib
import os
import pwd
import socket
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from reconciler.cli.failure import Code, Failure
from reconciler.cli.session import Session
from reconciler.settings import default_state, load_settings

__all__ = ["Daemon", "connect", "state_of"]

_TIMEOUT = httpx.Timeout(10.0, read=120.0)
_CODES: Mapping[int, Code] = {500: Code.OURS, 503: Code.ENVIRONMENT}


def state_of(session: Session) -> Path:
    """The state folder that the session means.

    Raises:
        Unusable: the configuration file cannot be read.
    """
    if session.state is not None:
        return session.state.expanduser().absolute()
    if session.config is not None:
        return load_settings(session.config).state_folder
    return default_state().expanduser().absolute()


@contextlib.contextmanager
def connect(session: Session) -> Iterator[Daemon]:
    """The daemon of the session.

    Raises:
        Failure: none answers there.
    """
    state = state_of(session)
    try:
        folder = os.open(state, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError:
        raise _nobody(state) from None
    # Through /proc, as a socket's path may have 107 characters only.
    path = f"/proc/self/fd/{folder}/plumbline.sock"
    try:
        if not _answers(path):
            raise _nobody(state)
        transport = httpx.HTTPTransport(uds=path)
        with httpx.Client(transport=transport, base_url="http://plumbline", timeout=_TIMEOUT) as client:
            yield Daemon(client, state, path)
    finally:
        os.close(folder)


def _answers(path: str) -> bool:
    """Whether anybody listens at a socket: httpx would leave its own behind when nobody does."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(5.0)
        return probe.connect_ex(path) == 0


def _nobody(state: Path) -> Failure:
    return Failure(
        Code.ENVIRONMENT,
        f"no daemon answers in {state}; start one with `plumbline daemon -c FILE`, or name its folder with --state",
    )


class Daemon:
    """A daemon that may answer.

    Attributes:
        socket: path of its socket, good as long as the connection is.
    """

    def __init__(self, client: httpx.Client, state: Path, socket: str = "") -> None:
        self.socket = socket
        self._client = client
        self._state = state

    def get(self, path: str, /, **params: str | int | bool | None) -> dict[str, Any]:
        """What the API answers; parameters that are None are left out.

        Raises:
            Failure: it does not answer, or with a problem.
        """
        given = {name: value for name, value in params.items() if value is not None}
        with self._translated():
            return _value(self._client.get(path, params=given))

    def command(self, verb: str, target: str, args: Mapping[str, object] | None = None) -> dict[str, Any]:
        """Ask for something, as the user of this process.

        Raises:
            Failure: it does not answer, or the answer is no.
        """
        body = {"verb": verb, "target": target, "args": dict(args or {}), "by": pwd.getpwuid(os.getuid()).pw_name}
        with self._translated():
            return _value(self._client.post("/v1/commands", json=body))

    def post(self, path: str, text: str, **params: str) -> dict[str, Any]:
        """Send a text.

        Raises:
            Failure: it does not answer, or with a problem.
        """
        with self._translated():
            return _value(self._client.post(path, content=text.encode(), params=params))

    def stream(self, path: str, **params: str | int | bool | None) -> Iterator[bytes]:
        """An answer, piece by piece, for as long as it takes.

        Raises:
            Failure: it does not answer, or with a problem.
        """
        given = {name: value for name, value in params.items() if value is not None}
        endless = httpx.Timeout(10.0, read=None)
        with self._translated(), self._client.stream("GET", path, params=given, timeout=endless) as response:
            if response.is_error:
                response.read()
                raise _problem(response)
            yield from response.iter_bytes()

    @contextlib.contextmanager
    def download(self, path: str, /, **params: str) -> Iterator[tuple[str, Iterator[bytes]]]:
        """The content type of an answer, and its bytes piece by piece; what is cut short is a failure.

        Raises:
            Failure: it does not answer, or with a problem.
        """
        endless = httpx.Timeout(10.0, read=None)
        with self._translated(), self._client.stream("GET", path, params=params, timeout=endless) as response:
            if response.is_error:
                response.read()
                raise _problem(response)
            yield response.headers["content-type"], response.iter_bytes()

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except httpx.ConnectError:
            raise _nobody(self._state) from None
        except httpx.TimeoutException:
            raise Failure(Code.ENVIRONMENT, f"the daemon in {self._state} did not answer in time") from None
        except httpx.TransportError as error:
            words = f"the daemon in {self._state} went away in the middle of an answer ({type(error).__name__})"
            raise Failure(Code.ENVIRONMENT, words) from None


def _value(response: httpx.Response) -> dict[str, Any]:
    if response.is_error:
        raise _problem(response)
    value: dict[str, Any] = response.json()
    return value


def _problem(response: httpx.Response) -> Failure:
    try:
        body = response.json()
    except ValueError:
        return Failure(Code.OURS, f"the daemon answered {response.status_code} without a reason")
    lines = [str(body.get("detail", response.status_code))]
    lines += [f"  {_line(problem)}" for problem in body.get("problems", [])]
    code = _CODES.get(response.status_code, Code.INPUT)
    election = body.get("election") if body.get("standingBy") is True else None
    return Failure(code, "\n".join(lines), asleep=body.get("asleep") is True, election=election)


def _line(problem: Mapping[str, Any]) -> str:
    place = f"{problem['path']}:{problem['line']}:{problem['column']}" if problem.get("line") else problem.get("path")
    hint = f"; {problem['hint']}" if problem.get("hint") else ""
    where = f"{place}: " if place else ""
    return f"{where}{problem['code']}: {problem['message']}{hint}"
