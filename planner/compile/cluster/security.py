"""Security contexts of a pod and of its containers: Kubernetes' pod security level *restricted*."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from planner.compile.cluster.words import Rules, items, refused, section
from planner.model.cluster import Allow

__all__ = ["of_container", "of_pod"]

_SELINUX = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_PROFILES = frozenset({"", "RuntimeDefault", "Localhost"})
_CAPABILITIES = frozenset({"NET_BIND_SERVICE"})
_SYSCTLS = frozenset(
    f"net.ipv4.{name}"
    for name in (
        "ip_local_port_range", "tcp_syncookies", "ping_group_range", "ip_unprivileged_port_start",
        "ip_local_reserved_ports", "tcp_keepalive_time", "tcp_fin_timeout", "tcp_keepalive_intvl",
        "tcp_keepalive_probes", "tcp_rmem", "tcp_wmem",
    )
) | {"kernel.shm_rmid_forced"}  # fmt: skip


def of_pod(said: Mapping[str, Any], at: str, rules: Rules) -> Iterator[str]:
    """Why a pod may not have its security context."""
    yield from _both(said, at, rules)
    for index, one in items(said, "sysctls"):
        if str(one.get("name")) not in _SYSCTLS:
            yield from refused(f"{at}.sysctls[{index}] ({one.get('name')})", Allow.SYSCTLS, rules)


def of_container(said: Mapping[str, Any], at: str, rules: Rules) -> Iterator[str]:
    """Why a container may not have its security context."""
    yield from _both(said, at, rules)
    if said.get("privileged") is True:
        yield from refused(f"{at}.privileged", Allow.PRIVILEGED, rules)
    if said.get("allowPrivilegeEscalation") is True:
        yield from refused(f"{at}.allowPrivilegeEscalation", Allow.PRIVILEGE_ESCALATION, rules)
    added = section(said, "capabilities").get("add") or ()
    if more := sorted(set(map(str, added)) - _CAPABILITIES):
        yield from refused(f"{at}.capabilities.add ({', '.join(more)})", Allow.CAPABILITIES, rules)
    if said.get("procMount") not in {None, "", "Default"}:
        yield from refused(f"{at}.procMount", Allow.PROC_MOUNT, rules)


def _both(said: Mapping[str, Any], at: str, rules: Rules) -> Iterator[str]:
    if said.get("runAsUser") == 0:
        what = f"{at}.runAsUser: 0 (leave it out, and the program runs as user {rules.user})"
        yield from refused(what if rules.user else f"{at}.runAsUser: 0", Allow.ROOT, rules)
    if said.get("runAsNonRoot") is False:
        yield from refused(f"{at}.runAsNonRoot: false", Allow.ROOT, rules)
    for name in ("seccompProfile", "appArmorProfile"):
        if str(section(said, name).get("type", "")) not in _PROFILES:
            yield from refused(f"{at}.{name}.type: Unconfined", Allow.UNCONFINED, rules)
    labels = section(said, "seLinuxOptions")
    if labels.get("user") or labels.get("role") or str(labels.get("type", "")) not in _SELINUX:
        yield from refused(f"{at}.seLinuxOptions", Allow.UNCONFINED, rules)
    if section(said, "windowsOptions").get("hostProcess") is True:
        yield from refused(f"{at}.windowsOptions.hostProcess", Allow.PRIVILEGED, rules)
