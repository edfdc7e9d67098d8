{{/* The settings that the chart itself knows, as variables of each of the two. */}}

{{- define "previewcloud.operator.variables" -}}
- name: METRICS_LISTEN
  value: 0.0.0.0:{{ .Values.operator.ports.metrics }}
- name: PREVIEW_SCHEME
  value: {{ .Values.previews.scheme | quote }}
- name: PREVIEW_PORT
  value: {{ .Values.previews.port | quote }}
- name: ROUTING_LISTEN
  value: {{ include "previewcloud.private" . }}:{{ .Values.operator.ports.routing }}
{{- if .Values.bridge.enabled }}
- name: CATCHALL_URL
  value: {{ include "previewcloud.catchallUrl" . | quote }}
{{- end }}
{{- with .Values.traefik.httpUrl }}
- name: TRAEFIK_HTTP_URL
  value: {{ . | quote }}
{{- end }}
{{- with .Values.traefik.metricsUrl }}
- name: TRAEFIK_METRICS_URL
  value: {{ . | quote }}
{{- end }}
- name: TRAEFIK_TLS
  value: {{ .Values.traefik.tls | quote }}
{{- with .Values.traefik.certResolver }}
- name: TRAEFIK_CERT_RESOLVER
  value: {{ . | quote }}
{{- end }}
{{- range $kind := list "postgres" "mysql" "mongodb" }}
{{- with (index $.Values.databases $kind).previewAddress }}
- name: {{ upper $kind }}_PREVIEW_ADDRESS
  value: {{ . | quote }}
{{- end }}
{{- end }}
{{- if .Values.engine.socket.enabled }}
- name: DOCKER_HOST
  value: unix:///run/engine/docker.sock
{{- else if .Values.engine.host }}
- name: DOCKER_HOST
  value: {{ .Values.engine.host | quote }}
- name: DOCKER_TLS_VERIFY
  value: "1"
- name: DOCKER_CERT_PATH
  value: /etc/previewcloud/engine
{{- end }}
- name: CACHE_DIR
  value: /var/cache/previewcloud
{{- end }}

{{- define "previewcloud.bridge.variables" -}}
- name: PREVIEW_NAMESPACE
  value: {{ include "previewcloud.previewNamespace" . | quote }}
- name: BRIDGE_LISTEN
  value: 0.0.0.0:{{ .Values.bridge.ports.http }}
- name: CATCHALL_LISTEN
  value: {{ include "previewcloud.private" . }}:{{ .Values.bridge.ports.catchall }}
- name: BRIDGE_URL
  value: {{ include "previewcloud.bridgeUrl" . | quote }}
- name: OPERATOR_URL
  value: {{ include "previewcloud.operatorUrl" . | quote }}
- name: SECRETS_DIR
  value: /etc/previewcloud/secrets
{{- with .Values.bridge.githubAppId }}
- name: GITHUB_APP_ID
  value: {{ include "previewcloud.value" . | quote }}
{{- end }}
{{- end }}

{{- define "previewcloud.logsVolume" -}}
- name: logs
  {{- if and (include "previewcloud.sqlite" .) .Values.persistence.logs.enabled }}
  persistentVolumeClaim:
    claimName: {{ include "previewcloud.logsClaim" . }}
  {{- else }}
  emptyDir: {}
  {{- end }}
{{- end }}
