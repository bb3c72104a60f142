"""Specs that daemons on a cluster are given; names of images are filled in, as `{busybox}`."""

FLOW = """\
version: 1.1
kind: operation
name: flow
component:
  run:
    kind: dag
    operations:
      - name: make
        component:
          outputs: [{{name: answer, type: int}}]
          run:
            kind: job
            init: [{{git: {{}}}}]
            container: {{image: "{python}", command: [python3, flow/make.py]}}
      - name: use
        params: {{n: {{ref: ops.make, value: outputs.answer}}}}
        component:
          inputs: [{{name: n, type: int}}]
          outputs: [{{name: twice, type: int}}]
          run:
            kind: job
            container:
              image: "{busybox}"
              command: [sh, -c, 'sleep {seconds}; echo "twice=$(( {{{{ n }}}} * 2 ))" >> $PLUMBLINE_OUTPUT']
"""
MAKE = """\
import plumbline_tracking
plumbline_tracking.log_metric("loss", 0.5)
plumbline_tracking.output("answer", 21)
plumbline_tracking.artifact_path("model.txt").write_text("weights")
print("made")
"""
WEB = """\
version: 1.1
kind: operation
name: web
component:
  run:
    kind: service
    ports: [8080]
    container:
      image: "{busybox}"
      command: [sh, -c, 'echo {word} > index.html; exec httpd -f -p 8080']
      readinessProbe: {{httpGet: {{path: /, port: 8080}}}}
"""
IDLE = """\
version: 1.1
kind: operation
name: book
termination: {{culling: {{timeout: 5}}, probe: {{http: {{path: /status.json}}}}}}
component:
  run:
    kind: service
    ports: [8080]
    container:
      image: "{busybox}"
      command:
        - sh
        - -c
        - |
          echo '{{"last_activity": "2026-01-01T00:00:00Z"}}' > status.json
          exec httpd -f -p 8080
      readinessProbe: {{httpGet: {{path: /status.json, port: 8080}}}}
"""
TICK = """\
version: 1.1
kind: operation
name: tick
schedule: {{kind: interval, frequency: 15}}
component:
  run: {{kind: job, container: {{image: "{busybox}", command: [echo, tick]}}}}
"""
