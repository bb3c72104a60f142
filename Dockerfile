# One image for the daemon and for the agent beside runs. See docs/install.md.
#
#   docker build -t registry.example.org/plumbline:0.1.0 .
#
# Where no registry of packages is reachable: `scripts/wheels wheels` before it, and as BASE an image that has Python 3.11
# or later with venv, and git 2.38 or later; with ssh as well where the repository is reached by it.
ARG BASE=docker.io/library/python:3.13-slim-bookworm

# What we depend on: a layer that stays the same until the lock file changes. `wheels/locke[d]` is there or not.
FROM ${BASE} AS libraries
WORKDIR /source
COPY scripts/wheels scripts/
COPY requirements requirements
COPY requirements/image.txt wheels/locke[d] wheels/locked/
RUN ls wheels/locked/*.whl >/dev/null 2>&1 || scripts/wheels --locked wheels
RUN python3 -m venv /tool && python3 -m venv --without-pip /opt/plumbline
ENV INSTALL="/tool/bin/python -m pip --python /opt/plumbline/bin/python --quiet --disable-pip-version-check --no-cache-dir install --no-index"
RUN $INSTALL --find-links wheels/locked --require-hashes -r requirements/image.txt

# What is ours, by itself.
FROM libraries AS own
COPY pyproject.toml README.md LICENSE ./
COPY planner planner
COPY reconciler reconciler
COPY pyproject.toml wheels/ow[n] wheels/own/
RUN ls wheels/own/*.whl >/dev/null 2>&1 || scripts/wheels wheels
RUN $INSTALL --no-deps --no-warn-script-location --prefix /own wheels/own/*.whl

FROM ${BASE}
RUN command -v git >/dev/null || { apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates git openssh-client \
 && rm -rf /var/lib/apt/lists/*; }
# ssh asks who it is run by.
RUN echo 'plumbline:x:65532:65532::/tmp:/usr/sbin/nologin' >>/etc/passwd && echo 'plumbline:x:65532:' >>/etc/group \
 && mkdir /var/lib/plumbline && chown 65532:65532 /var/lib/plumbline
COPY --from=libraries /opt/plumbline /opt/plumbline
COPY --from=own /own /opt/plumbline
COPY reconciler/backends/kubernetes/agent.py /plumbline-agent.py
COPY reconciler/tracking.py /plumbline_tracking.py
# The commands find the daemon of this container without being told. Nothing is written but the state and /tmp.
ENV PATH=/opt/plumbline/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    HOME=/tmp PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 PLUMBLINE_STATE=/var/lib/plumbline/state
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["plumbline"]
CMD ["daemon", "-c", "/etc/plumbline/daemon.yaml"]
