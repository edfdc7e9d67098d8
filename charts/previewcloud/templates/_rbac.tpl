{{/*
What each of the two may do; a test runs both with exactly this and knows every verb that they used.

The operator reads Previews, writes their status, their finalizer and slug, keeps databases' logins in Secrets and
tells what happens in Events.
*/}}

{{- define "previewcloud.operator.rules" -}}
- apiGroups: [previewcloud.io]
  resources: [previews]
  verbs: [get, list, patch, watch]
- apiGroups: [previewcloud.io]
  resources: [previews/status]
  verbs: [patch]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, delete, get, list, update]
- apiGroups: [""]
  resources: [events]
  verbs: [create]
{{- end }}

{{/* The bridge: what it does with every Preview that it watches, be it of somebody else: wake it, when it is visited. */}}
{{- define "previewcloud.bridge.watchRules" -}}
- apiGroups: [previewcloud.io]
  resources: [previews]
  verbs: [list, patch, watch]
{{- end }}

{{/* And where it makes its own, with their Secrets, and keeps its records in ConfigMaps. */}}
{{- define "previewcloud.bridge.makeRules" -}}
- apiGroups: [previewcloud.io]
  resources: [previews]
  verbs: [create, delete, get]
- apiGroups: [""]
  resources: [secrets]
  verbs: [create, delete, get, list, update]
- apiGroups: [""]
  resources: [configmaps]
  verbs: [create, delete, list, patch]
{{- end }}

{{/*
A role and its binding: of a namespace, or of the cluster when that is empty.
Takes (dict "root" $ "component" "name" "namespace" "rules").
*/}}
{{- define "previewcloud.role" -}}
{{- $kind := ternary "Role" "ClusterRole" (ne .namespace "") -}}
{{- $metadata := dict "name" .name -}}
{{- if .namespace -}}
{{- $_ := set $metadata "namespace" .namespace -}}
{{- end -}}
{{- $labels := include "previewcloud.labels" .root | fromYaml -}}
{{- $_ := set $labels "app.kubernetes.io/component" .component -}}
{{- $_ := set $metadata "labels" $labels -}}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}
metadata:
  {{- toYaml $metadata | nindent 2 }}
rules:
  {{- .rules | nindent 2 }}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: {{ $kind }}Binding
metadata:
  {{- toYaml $metadata | nindent 2 }}
roleRef:
  apiGroup: rbac.authorization.k8s.io
  kind: {{ $kind }}
  name: {{ .name }}
subjects:
  - kind: ServiceAccount
    name: {{ include (printf "previewcloud.%s.account" .component) .root }}
    namespace: {{ .root.Release.Namespace }}
{{- end }}
