{{- /*
daemon.yaml: `config` as it is, and what the chart decides. What is said twice is refused, so that nothing is silently another.
*/ -}}

{{- /* The value at a path of a mapping as JSON; "" where there is none, or nothing in it. Takes a list of both. */ -}}
{{- define "plumbline.at" -}}
{{- $at := index . 0 -}}
{{- range splitList "." (index . 1) -}}
{{- if and (kindIs "map" $at) (hasKey $at .) -}}
{{- $at = index $at . -}}
{{- else -}}
{{- $at = "" -}}
{{- end -}}
{{- end -}}
{{- if $at }}{{ toJson $at }}{{ end -}}
{{- end -}}

{{- define "plumbline.sqlite" -}}
{{- if not (include "plumbline.at" (list .Values.config "ledger.url")) }}true{{ end -}}
{{- end -}}

{{- define "plumbline.elects" -}}
{{- if gt (int .Values.replicas) 1 }}true{{ end -}}
{{- end -}}

{{- /* The kind of the way to external services, as the daemon takes it; "" where there is none. */ -}}
{{- define "plumbline.route" -}}
{{- if include "plumbline.at" (list .Values.config "backends.kubernetes.route") -}}
{{- include "plumbline.at" (list .Values.config "backends.kubernetes.route.kind") | trimAll "\"" | default "Ingress" -}}
{{- end -}}
{{- end -}}

{{- /* Where people find the pages: what the configuration says, else the host of the Ingress; "" where nobody said it. */ -}}
{{- define "plumbline.pagesUrl" -}}
{{- $said := include "plumbline.at" (list .Values.config "pages.url") -}}
{{- if $said -}}
{{- fromJson (printf "{\"at\": %s}" $said) | dig "at" "" -}}
{{- else if .Values.pages.ingress.enabled -}}
https://{{ .Values.pages.ingress.host }}
{{- end -}}
{{- end -}}

{{- define "plumbline.decided" -}}
state: /var/lib/plumbline/state
backend: kubernetes
backends:
  kubernetes:
    namespace: {{ include "plumbline.runNamespace" . }}
    runNamespaces: {{ toJson .Values.runNamespaces }}
    {{- if .Values.agent.enabled }}
    agent:
      image: {{ include "plumbline.image" . }}
      pullPolicy: {{ .Values.image.pullPolicy }}
      contact: http://{{ include "plumbline.fullname" . }}.{{ .Release.Namespace }}.svc:8090
      listen: {{ printf "%s:8090" .Values.listen | quote }}
      {{- if .Values.secrets.tokenKey }}
      tokenKeyFile: /etc/plumbline-secrets/token-key
      {{- end }}
    {{- end }}
    {{- if and (include "plumbline.elects" .) .Values.persistence.enabled }}
    state: /var/lib/plumbline-shared/state/kubernetes
    {{- end }}
api:
  health: {{ printf "%s:8060" .Values.listen | quote }}
  healthOpen: true
  {{- if .Values.events.enabled }}
  events: {{ printf "%s:8070" .Values.listen | quote }}
  {{- end }}
{{- if .Values.webhooks.enabled }}
webhooks:
  listen: {{ printf "%s:8080" .Values.listen | quote }}
  secrets:
    {{- range $number, $_ := .Values.webhooks.secrets }}
    - file: /etc/plumbline-secrets/webhook-{{ $number }}
    {{- end }}
{{- end }}
{{- if .Values.pages.enabled }}
pages:
  listen: {{ printf "%s:8061" .Values.listen | quote }}
  {{- with include "plumbline.pagesUrl" . }}
  url: {{ . | quote }}
  {{- end }}
{{- end }}
{{- if include "plumbline.elects" . }}
election:
  lease: {{ include "plumbline.fullname" . }}
  namespace: {{ .Release.Namespace }}
{{- end }}
{{- if .Values.secrets.ledgerPassword }}
ledger:
  passwordFile: /etc/plumbline-secrets/ledger-password
{{- end }}
{{- with include "plumbline.access" . }}
repository:
  access:
    {{- . | nindent 4 }}
{{- end }}
{{- end -}}

{{- define "plumbline.access" -}}
{{- if .Values.secrets.repositoryToken }}
tokenFile: /etc/plumbline-secrets/repository-token
{{- end }}
{{- if .Values.secrets.repositoryKey }}
sshKey: /etc/plumbline-secrets/repository-key
{{- end }}
{{- if .Values.configMaps.knownHosts }}
knownHosts: /etc/plumbline-secrets/known-hosts
{{- end }}
{{- if .Values.configMaps.certificates }}
certificates: /etc/plumbline-secrets/certificates
{{- end }}
{{- end -}}

{{- /* What may not be in `config`, and what says it instead. */ -}}
{{- define "plumbline.reserved" -}}
state: it is on the volume that `persistence` says
backend: the daemon of this chart runs operations on its cluster
backends.kubernetes.kubeconfig: the daemon of this chart goes by its service account
backends.kubernetes.context: the daemon of this chart goes by its service account
backends.kubernetes.namespace: set `runNamespace`
backends.kubernetes.runNamespaces: set `runNamespaces`
backends.kubernetes.state: it is on the volume that `persistence` says, where there is more than one replica
backends.kubernetes.agent.tokenKeyFile: set `secrets.tokenKey`
backends.kubernetes.agent.image: set `image`, which is both the daemon's and the agent's, so that they fit
backends.kubernetes.agent.pullPolicy: set `image.pullPolicy`
backends.kubernetes.agent.contact: it is the Service of this chart
backends.kubernetes.agent.listen: set `listen`
election.lease: it has the name of the release; more than one of `replicas` are an election
election.namespace: it is the namespace of the release
api.health: probes and metrics are at port 8060; set `listen`
api.healthOpen: the kubelet asks by the address of the pod; `networkPolicy` says who else may
api.events: set `events.enabled`
webhooks.listen: set `webhooks.enabled`
webhooks.secrets: set `webhooks.secrets` of the chart
pages.listen: set `pages.enabled`
ledger.passwordFile: set `secrets.ledgerPassword`
repository.access.tokenFile: set `secrets.repositoryToken`
repository.access.sshKey: set `secrets.repositoryKey`
repository.access.knownHosts: set `configMaps.knownHosts`
repository.access.certificates: set `configMaps.certificates`
{{- end -}}

{{- /* Whether a path is in a mapping, be it null: takes a list of both. */ -}}
{{- define "plumbline.given" -}}
{{- $at := index . 0 -}}
{{- $found := true -}}
{{- range splitList "." (index . 1) -}}
{{- if and $found (kindIs "map" $at) (hasKey $at .) -}}
{{- $at = index $at . -}}
{{- else -}}
{{- $found = false -}}
{{- end -}}
{{- end -}}
{{- if $found }}true{{ end -}}
{{- end -}}

{{- define "plumbline.check" -}}
{{- $config := .Values.config -}}
{{- range $path, $instead := include "plumbline.reserved" . | fromYaml -}}
{{- if include "plumbline.given" (list $config $path) -}}
{{- fail (printf "`config.%s` is what the chart decides: leave it out; %s" $path $instead) -}}
{{- end -}}
{{- end -}}
{{- if not .Values.image.repository -}}
{{- fail "`image.repository` is not set: there is no public image; build the one of the Dockerfile, and name it" -}}
{{- end -}}
{{- if not (include "plumbline.at" (list $config "repository.url")) -}}
{{- fail "`config.repository.url` is not set: it says which repository is followed" -}}
{{- end -}}
{{- if and (gt (int .Values.replicas) 1) (include "plumbline.sqlite" .) -}}
{{- fail "`replicas` is more than 1, and the ledger is a file: one daemon has it at a time; set `config.ledger.url` to a database of PostgreSQL" -}}
{{- end -}}
{{- if and (include "plumbline.elects" .) .Values.persistence.enabled (not (has "ReadWriteMany" .Values.persistence.accessModes)) (not .Values.persistence.existingClaim) -}}
{{- fail "`replicas` is more than 1, and `persistence.accessModes` lets one pod alone have the volume: set it to [ReadWriteMany] and `persistence.storageClass` to a class that can, or `persistence.enabled` to false" -}}
{{- end -}}
{{- if and (include "plumbline.elects" .) .Values.agent.enabled (not .Values.persistence.enabled) (not .Values.secrets.tokenKey) -}}
{{- fail "`replicas` is more than 1, and they have no key in common that tokens of runs are made with: set `secrets.tokenKey`, or `persistence.enabled`" -}}
{{- end -}}
{{- if and .Values.secrets.tokenKey (not .Values.agent.enabled) -}}
{{- fail "`secrets.tokenKey` is for the agent, and `agent.enabled` is false: leave one out" -}}
{{- end -}}
{{- if and (not .Values.persistence.enabled) (include "plumbline.sqlite" .) -}}
{{- fail "`persistence.enabled` is false, and the ledger is a file, which would go with the pod: set `config.ledger.url` to a database of PostgreSQL" -}}
{{- end -}}
{{- if and .Values.secrets.ledgerPassword (include "plumbline.sqlite" .) -}}
{{- fail "`secrets.ledgerPassword` has no `config.ledger.url` that it would be the password of" -}}
{{- end -}}
{{- if and .Values.events.enabled (not (include "plumbline.at" (list $config "api.tokens"))) -}}
{{- fail "`events.enabled` needs `config.api.tokens`: nobody could send any; make one with `plumbline event token NAME`" -}}
{{- end -}}
{{- if and .Values.webhooks.enabled (not .Values.webhooks.secrets) -}}
{{- fail "`webhooks.enabled` needs `webhooks.secrets`: without one nobody can tell whether the forge sent a webhook" -}}
{{- end -}}
{{- if and (not .Values.webhooks.enabled) (or .Values.webhooks.secrets .Values.webhooks.ingress.enabled (include "plumbline.given" (list $config "webhooks"))) -}}
{{- fail "something of `webhooks` is set, and `webhooks.enabled` is false: set it, or leave the rest out" -}}
{{- end -}}
{{- if and .Values.webhooks.ingress.enabled (not .Values.webhooks.ingress.host) -}}
{{- fail "`webhooks.ingress.enabled` needs `webhooks.ingress.host`: the forge sends webhooks to it" -}}
{{- end -}}
{{- $readers := false -}}
{{- range (dig "api" "tokens" list $config) -}}
{{- if and (kindIs "map" .) (has "read" (.scopes | default list)) }}{{ $readers = true }}{{ end -}}
{{- end -}}
{{- if and .Values.pages.enabled (not $readers) -}}
{{- fail "`pages.enabled` needs a token of `config.api.tokens` with the scope `read`: nobody could read them; make one with `plumbline event token NAME --scope read`" -}}
{{- end -}}
{{- if and (not .Values.pages.enabled) (or .Values.pages.ingress.enabled (include "plumbline.given" (list $config "pages"))) -}}
{{- fail "something of `pages` is set, and `pages.enabled` is false: set it, or leave the rest out" -}}
{{- end -}}
{{- if and .Values.pages.ingress.enabled (not .Values.pages.ingress.host) -}}
{{- fail "`pages.ingress.enabled` needs `pages.ingress.host`: browsers find the pages there" -}}
{{- end -}}
{{- if and .Values.pages.ingress.enabled (ne (lower .Values.pages.ingress.host) (lower (urlParse (include "plumbline.pagesUrl" .)).host)) -}}
{{- fail "`config.pages.url` has another host than `pages.ingress.host`: statuses would link to what the Ingress does not answer for" -}}
{{- end -}}
{{- if and (not .Values.agent.enabled) (include "plumbline.given" (list $config "backends.kubernetes.agent")) -}}
{{- fail "`config.backends.kubernetes.agent` is set, and `agent.enabled` is false: keep one" -}}
{{- end -}}
{{- end -}}

{{- define "plumbline.config" -}}
{{- include "plumbline.check" . -}}
{{- mustMergeOverwrite (deepCopy .Values.config) (include "plumbline.decided" . | fromYaml) | toYaml -}}
{{- end -}}
