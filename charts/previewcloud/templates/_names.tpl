{{/* Names and labels of everything that the chart makes. */}}

{{- define "previewcloud.fullname" -}}
{{- $name := default .Chart.Name .Values.nameOverride -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 50 | trimSuffix "-" -}}
{{- else if contains $name .Release.Name -}}
{{- .Release.Name | trunc 50 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name $name | trunc 50 | trimSuffix "-" -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.selector" -}}
app.kubernetes.io/name: {{ default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "previewcloud.labels" -}}
{{ include "previewcloud.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/part-of: previewcloud
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "previewcloud.image" -}}
{{- $image := .Values.image -}}
{{- if $image.digest -}}
{{- printf "%s@%s" $image.repository $image.digest -}}
{{- else -}}
{{- printf "%s:%s" $image.repository (default .Chart.AppVersion $image.tag) -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.operator.account" -}}
{{- $account := .Values.operator.serviceAccount -}}
{{- default (ternary (printf "%s-operator" (include "previewcloud.fullname" .)) "default" $account.create) $account.name -}}
{{- end }}

{{- define "previewcloud.bridge.account" -}}
{{- $account := .Values.bridge.serviceAccount -}}
{{- default (ternary (printf "%s-bridge" (include "previewcloud.fullname" .)) "default" $account.create) $account.name -}}
{{- end }}

{{/* Where the bridge makes its Previews. */}}
{{- define "previewcloud.previewNamespace" -}}
{{- coalesce .Values.bridge.previewNamespace .Values.watchNamespace .Release.Namespace -}}
{{- end }}

{{/* Addresses on which the engine's host alone has something to ask: its own loopback, or the pod's. */}}
{{- define "previewcloud.private" -}}
{{- ternary "127.0.0.1" "0.0.0.0" .Values.operator.hostNetwork -}}
{{- end }}

{{- define "previewcloud.catchallUrl" -}}
{{- $scheme := ternary "https" "http" (ne .Values.catchall.tlsSecret "") -}}
{{- default (printf "%s://127.0.0.1:%v" $scheme .Values.bridge.ports.catchall) .Values.catchall.url -}}
{{- end }}

{{- define "previewcloud.operatorUrl" -}}
{{- $scheme := ternary "https" "http" (ne .Values.routing.tlsSecret "") -}}
{{- $host := printf "%s-routing.%s.svc" (include "previewcloud.fullname" .) .Release.Namespace -}}
{{- $own := ternary (printf "127.0.0.1:%v" .Values.operator.ports.routing) (printf "%s:%v" $host .Values.routing.service.port) .Values.operator.hostNetwork -}}
{{- default (printf "%s://%s" $scheme $own) .Values.routing.url -}}
{{- end }}

{{- define "previewcloud.bridgeUrl" -}}
{{- $ingress := .Values.ingress -}}
{{- if .Values.bridge.url -}}
{{- .Values.bridge.url -}}
{{- else if $ingress.enabled -}}
{{- printf "%s://%s" (ternary "https" "http" (ne $ingress.tlsSecret "")) $ingress.host -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.sqlite" -}}
{{- if eq .Values.logs.store "sqlite" }}true{{ end -}}
{{- end }}

{{/* The claim of the logs' volume. */}}
{{- define "previewcloud.logsClaim" -}}
{{- default (printf "%s-logs" (include "previewcloud.fullname" .)) .Values.persistence.logs.existingClaim -}}
{{- end }}

{{- define "previewcloud.cacheClaim" -}}
{{- default (printf "%s-cache" (include "previewcloud.fullname" .)) .Values.persistence.cache.existingClaim -}}
{{- end }}
