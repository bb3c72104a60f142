{{- /* Sources of the volume of secrets: each value that names one is a file there. */ -}}
{{- define "plumbline.sources" -}}
{{- $files := dict
  "ledgerPassword" "ledger-password" "repositoryToken" "repository-token" "repositoryKey" "repository-key"
  "tokenKey" "token-key" "knownHosts" "known-hosts" "certificates" "certificates" -}}
{{- range $value, $named := .Values.secrets }}
{{- with $named }}
- secret: {name: {{ .name }}, items: [{key: {{ .key }}, path: {{ get $files $value }}}]}
{{- end }}
{{- end }}
{{- if .Values.webhooks.enabled }}
{{- range $number, $named := .Values.webhooks.secrets }}
- secret: {name: {{ $named.name }}, items: [{key: {{ $named.key }}, path: webhook-{{ $number }}}]}
{{- end }}
{{- end }}
{{- range $value, $named := .Values.configMaps }}
{{- with $named }}
- configMap: {name: {{ .name }}, items: [{key: {{ .key }}, path: {{ get $files $value }}}]}
{{- end }}
{{- end }}
{{- end -}}
