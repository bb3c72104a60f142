"""Who may give commands: by the configuration, and by what the forge says of a person.

Whom the forge cannot be asked about is not obeyed and not refused: the question is put again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import anyio

from reconciler.ports_remarks import Level, Remark, Remarks

__all__ = ["Rights", "Rules"]

_REMEMBERED = 60.0
_MOST = 1000
_LEVELS: Mapping[str, Level] = {"write": Level.WRITE, "maintain": Level.MAINTAIN, "admin": Level.ADMIN}


@dataclass(frozen=True, slots=True)
class Rules:
    """What the daemon's configuration says of commands; no pull request can change it.

    Attributes:
        permission: what a person must be allowed at least; "" where nobody is by that.
        users: logins of people who may.
        teams: whose members may.
        approve_own: whether one may approve what is of his own making.
    """

    permission: str = ""
    users: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    approve_own: bool = False


class Rights:
    """Asks a forge who people are, about each once a minute."""

    def __init__(self, port: Remarks, rules: Rules) -> None:
        self._port = port
        self._rules = rules
        self._users = frozenset(user.casefold() for user in rules.users)
        self._known: dict[tuple[str, str], tuple[bool, float]] = {}

    async def may(self, remark: Remark) -> bool:
        """Whether who wrote this may give commands.

        Raises:
            Transient, Refused: nobody can say now.
        """
        if remark.is_program or not remark.account:
            return False
        if remark.login.casefold() in self._users:
            return True
        name, now = (remark.account, remark.login), anyio.current_time()
        known = self._known.get(name)
        if known is not None and known[1] > now:
            return known[0]
        may = await self._asked(remark)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[name] = may, anyio.current_time() + _REMEMBERED
        return may

    async def _asked(self, remark: Remark) -> bool:
        least = _LEVELS.get(self._rules.permission)
        if least is not None and await self._port.level(remark) >= least:
            return True
        for team in self._rules.teams:
            if await self._port.belongs(remark, team):
                return True
        return False
