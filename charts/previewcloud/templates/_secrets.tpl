{{/*
Which Secrets are mounted where. Every list has entries of `secret`, `key`, `path` (below /etc/previewcloud/secrets)
and, for the operator, `env`: the setting that names the file. The bridge finds its own by SECRETS_DIR, in which
`path` is a setting's name in lower case.
*/}}

{{- define "previewcloud.generated" -}}
{{- printf "%s-generated" (include "previewcloud.fullname" .) -}}
{{- end }}

{{/*
One entry, or nothing: of a named Secret, else of the one that secrets.create makes.
Takes (dict "root" $ "ref" {name, key} "generated" <key, or empty> "path" "env").
*/}}
{{- define "previewcloud.entry" -}}
{{- if .ref.name }}
- {{ dict "secret" .ref.name "key" .ref.key "path" .path "env" (default "" .env) | toJson }}
{{- else if and .generated .root.Values.secrets.create }}
- {{ dict "secret" (include "previewcloud.generated" .root) "key" .generated "path" .path "env" (default "" .env) | toJson }}
{{- end }}
{{- end }}

{{/* Certificate and key of a Secret of type kubernetes.io/tls. */}}
{{- define "previewcloud.pair" -}}
{{- if .secret }}
- {{ dict "secret" .secret "key" "tls.crt" "path" (printf "%s.crt" .path) "env" (printf "%s_CERT_FILE" .env) | toJson }}
- {{ dict "secret" .secret "key" "tls.key" "path" (printf "%s.key" .path) "env" (printf "%s_KEY_FILE" .env) | toJson }}
{{- end }}
{{- end }}

{{- define "previewcloud.operator.files" -}}
{{- $values := .Values -}}
{{- range $kind := list "postgres" "mysql" "mongodb" }}
{{- $url := index $values.secrets (printf "%sUrl" $kind) }}
{{- include "previewcloud.entry" (dict "root" $ "ref" (index $values.databases $kind).urlSecret "generated" (ternary (printf "%s-url" $kind) "" (ne $url "")) "path" (printf "%s_url" $kind) "env" (printf "%s_URL_FILE" (upper $kind))) }}
{{- end }}
{{- if not (include "previewcloud.sqlite" .) }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.logs.urlSecret "path" "log_store_url" "env" "LOG_STORE_URL_FILE") }}
{{- end }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.routing.tokenSecret "generated" "routing-token" "path" "routing_token" "env" "ROUTING_TOKEN_FILE") }}
{{- include "previewcloud.pair" (dict "secret" $values.routing.tlsSecret "path" "routing" "env" "ROUTING_TLS") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.catchall.tokenSecret "generated" "catchall-token" "path" "catchall_token" "env" "CATCHALL_TOKEN_FILE") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.catchall.caSecret "path" "catchall-ca.crt" "env" "CATCHALL_CA_FILE") }}
{{- include "previewcloud.pair" (dict "secret" $values.traefik.certificateSecret "path" "traefik" "env" "TRAEFIK") }}
{{- end }}

{{- define "previewcloud.bridge.files" -}}
{{- $values := .Values -}}
{{- $bridge := .Values.bridge -}}
{{- include "previewcloud.entry" (dict "root" $ "ref" $bridge.webhookSecret "generated" "webhook-secret" "path" "github_webhook_secret") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $bridge.webhookPreviousSecret "path" "github_webhook_secret_previous") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $bridge.githubTokenSecret "generated" (ternary "github-token" "" (ne $values.secrets.githubToken "")) "path" "github_token") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $bridge.githubAppKeySecret "path" "github_app_private_key") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $bridge.apiKeySecret "generated" "api-key" "path" "api_key") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $bridge.apiKeyPreviousSecret "path" "api_key_previous") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.routing.tokenSecret "generated" "routing-token" "path" "operator_token") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.routing.caSecret "path" "operator-ca.crt" "env" "OPERATOR_CA_FILE") }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.catchall.tokenSecret "generated" "catchall-token" "path" "catchall_token") }}
{{- include "previewcloud.pair" (dict "secret" $values.catchall.tlsSecret "path" "catchall" "env" "CATCHALL_TLS") }}
{{- if not (include "previewcloud.sqlite" .) }}
{{- include "previewcloud.entry" (dict "root" $ "ref" $values.logs.urlSecret "path" "log_store_url") }}
{{- end }}
{{- end }}

{{/* The variables that name mounted files. */}}
{{- define "previewcloud.fileVariables" -}}
{{- range . }}
{{- if .env }}
- name: {{ .env }}
  value: /etc/previewcloud/secrets/{{ .path }}
{{- end }}
{{- end }}
{{- end }}

{{/* One volume of all these files; it follows the Secrets when they change. */}}
{{- define "previewcloud.fileVolume" -}}
- name: secrets
  projected:
    defaultMode: 0440
    sources:
      {{- range . }}
      - secret:
          name: {{ .secret }}
          items:
            - key: {{ .key | quote }}
              path: {{ .path | quote }}
      {{- end }}
{{- end }}
