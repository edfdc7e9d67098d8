{{/* What the pods of operator and bridge have in common. */}}

{{/* Settings as variables: YAML reads large whole numbers as floats, and lists stand by comma. */}}
{{- define "previewcloud.value" -}}
{{- if kindIs "slice" . -}}
{{- join "," . -}}
{{- else if and (kindIs "float64" .) (eq . (floor .)) -}}
{{- printf "%.0f" . -}}
{{- else -}}
{{- toString . -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.settings" -}}
{{- range $name, $value := . }}
- name: {{ $name }}
  value: {{ include "previewcloud.value" $value | quote }}
{{- end }}
{{- end }}

{{- define "previewcloud.sharedVariables" -}}
- name: INSTALLATION_ID
  value: {{ .Values.installationId | quote }}
- name: WATCH_NAMESPACE
  value: {{ .Values.watchNamespace | quote }}
- name: PREVIEW_DOMAIN
  value: {{ .Values.previews.domain | quote }}
- name: PREVIEW_SINGLE_LABEL
  value: {{ .Values.previews.singleLabel | quote }}
{{- with .Values.traefik.probeUrl }}
- name: TRAEFIK_PROBE_URL
  value: {{ . | quote }}
{{- end }}
{{- if include "previewcloud.sqlite" . }}
- name: LOG_STORE_URL
  value: sqlite:////var/lib/previewcloud/logs.db
{{- end }}
{{- with .Values.logs.archive.url }}
- name: LOG_ARCHIVE_URL
  value: {{ . | quote }}
{{- end }}
- name: LOG_FORMAT
  value: {{ .Values.logFormat | quote }}
{{- with .Values.tracesUrl }}
- name: TRACES_URL
  value: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "previewcloud.containerSecurity" -}}
allowPrivilegeEscalation: false
readOnlyRootFilesystem: true
capabilities:
  drop: [ALL]
{{- end }}

{{- define "previewcloud.podSecurity" -}}
runAsNonRoot: true
runAsUser: 10001
runAsGroup: 10001
fsGroup: 10001
fsGroupChangePolicy: OnRootMismatch
seccompProfile:
  type: RuntimeDefault
{{- end }}

{{/*
Operator and bridge on one node: they share a volume of ReadWriteOnce, or the node's loopback with Traefik. Each
asks for the other and for itself, so that whichever comes first may go anywhere.
Takes (list $ <affinity of the values>).
*/}}
{{- define "previewcloud.affinity" -}}
{{- $root := index . 0 -}}
{{- $affinity := deepCopy (index . 1) -}}
{{- $values := $root.Values -}}
{{- if and $values.bridge.enabled (or $values.operator.hostNetwork (include "previewcloud.sqlite" $root)) -}}
{{- $selector := dict "matchLabels" (include "previewcloud.selector" $root | fromYaml) "matchExpressions" (list (dict "key" "app.kubernetes.io/component" "operator" "In" "values" (list "operator" "bridge"))) -}}
{{- $term := dict "topologyKey" "kubernetes.io/hostname" "labelSelector" $selector -}}
{{- $pods := default dict $affinity.podAffinity -}}
{{- $required := append (default list $pods.requiredDuringSchedulingIgnoredDuringExecution) $term -}}
{{- $_ := set $affinity "podAffinity" (set $pods "requiredDuringSchedulingIgnoredDuringExecution" $required) -}}
{{- end -}}
{{- if $affinity -}}
affinity:
  {{- toYaml $affinity | nindent 2 }}
{{- end -}}
{{- end }}

{{/* Where a pod runs, as its part of the values says. Takes (list $ <operator or bridge of the values>). */}}
{{- define "previewcloud.placement" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- with $root.Values.imagePullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
{{- if $part.hostNetwork }}
hostNetwork: true
dnsPolicy: ClusterFirstWithHostNet
{{- end }}
{{- with $part.priorityClassName }}
priorityClassName: {{ . }}
{{- end }}
{{- with $part.nodeSelector }}
nodeSelector:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.tolerations }}
tolerations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $part.hostAliases }}
hostAliases:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- with include "previewcloud.affinity" (list $root $part.affinity) }}
{{ . }}
{{- end }}
terminationGracePeriodSeconds: {{ $part.terminationGracePeriodSeconds }}
enableServiceLinks: false
{{- end }}

{{/* envFrom: the login of the logs' archive, and what the values add. Takes (list $ <part>). */}}
{{- define "previewcloud.envFrom" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
{{- if or $root.Values.logs.archive.loginSecret $part.extraEnvFrom }}
envFrom:
  {{- with $root.Values.logs.archive.loginSecret }}
  - secretRef:
      name: {{ . }}
  {{- end }}
  {{- with $part.extraEnvFrom }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
{{- end }}

{{- define "previewcloud.podMetadata" -}}
{{- $root := index . 0 -}}
{{- $part := index . 1 -}}
labels:
  {{- include "previewcloud.labels" $root | nindent 2 }}
  app.kubernetes.io/component: {{ index . 2 }}
  {{- with $part.podLabels }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
annotations:
  kubectl.kubernetes.io/default-container: {{ index . 2 }}
  {{- if $root.Values.secrets.create }}
  checksum/secrets: {{ toJson $root.Values.secrets | sha256sum }}
  {{- end }}
  {{- with $part.podAnnotations }}
  {{- toYaml . | nindent 2 }}
  {{- end }}
{{- end }}
