# One image for the daemon and for the agent beside runs. See docs/install.md.
#
#   docker build -t registry.example.org/plumbline:0.1.0 .
#
# Where no registry of packages is reachable: `scripts/wheels wheels` before it, and as BASE an image that has Python 3.11
# or later with venv, and git 2.38 or later; with ssh as well where the repository is reached by it.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

FROM ${BASE} AS build
WORKDIR /source
COPY . .
RUN [ -d wheels ] || scripts/wheels wheels
RUN python3 -m venv /opt/plumbline \
 && set -- /opt/plumbline/bin/python -m pip --quiet --disable-pip-version-check --no-cache-dir \
 && "$@" install --no-index --find-links wheels --require-hashes -r requirements/image.txt \
 && "$@" install --no-index --no-deps wheels/plumbline_gitops-*.whl \
 && "$@" uninstall --yes setuptools pip

FROM ${BASE}
RUN command -v git >/dev/null || { apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/*; }
# ssh asks who it is run by.
RUN echo 'plumbline:x:65532:65532::/tmp:/usr/sbin/nologin' >>/etc/passwd && echo 'plumbline:x:65532:' >>/etc/group \
 && mkdir /var/lib/plumbline && chown 65532:65532 /var/lib/plumbline
COPY --from=build /opt/plumbline /opt/plumbline
COPY reconciler/backends/kubernetes/agent.py /plumbline-agent.py
COPY reconciler/tracking.py /plumbline_tracking.py
# The commands find the daemon of this container without being told. Nothing is written but the state and /tmp.
ENV PATH=/opt/plumbline/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PLUMBLINE_STATE=/var/lib/plumbline/state
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["plumbline"]
CMD ["daemon", "-c", "/etc/plumbline/daemon.yaml"]
