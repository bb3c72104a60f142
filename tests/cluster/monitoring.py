"""What the Prometheus operator would make of the chart's ServiceMonitor: whom it has asked, and what they say."""

from __future__ import annotations

import urllib.request
from collections.abc import Mapping
from typing import Any

from tests.cluster.helm import one, rendered
from tests.cluster.release import InCluster

NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def selector(monitor: Mapping[str, Any]) -> str:
    """Of the services that it chooses."""
    return ",".join(f"{name}={value}" for name, value in monitor["spec"]["selector"]["matchLabels"].items())


def scraped(place: InCluster) -> dict[str, str]:
    """What is said to it, by address: each ready endpoint behind each service that it chooses is asked."""
    monitor = one(rendered({"serviceMonitor": {"enabled": True}}, namespace=place.namespace), "ServiceMonitor")
    found = {}
    for service in place.items("/api/v1", "services", selector(monitor)):
        of_service = f"kubernetes.io/service-name={service['metadata']['name']}"
        for piece in place.items("/apis/discovery.k8s.io/v1", "endpointslices", of_service):
            ports = {port["name"]: port["port"] for port in piece["ports"]}
            for endpoint in monitor["spec"]["endpoints"]:
                for address in [address for pod in piece["endpoints"] for address in pod["addresses"]]:
                    url = f"http://{address}:{ports[endpoint['port']]}{endpoint['path']}"
                    with NO_PROXY.open(url, timeout=10) as answer:
                        found[url] = answer.read().decode()
    return found
