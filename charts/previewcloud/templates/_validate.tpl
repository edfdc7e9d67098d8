{{/* What values.schema.json cannot say: values that do not go together, each refused with a sentence. */}}

{{- define "previewcloud.validate" -}}
{{- include "previewcloud.validate.settings" . -}}
{{- include "previewcloud.validate.engine" . -}}
{{- include "previewcloud.validate.traefik" . -}}
{{- include "previewcloud.validate.bridge" . -}}
{{- include "previewcloud.validate.logs" . -}}
{{- include "previewcloud.validate.rest" . -}}
{{- end }}

{{- define "previewcloud.validate.settings" -}}
{{- range $part, $owned := .Files.Get "owned-settings.yaml" | fromYaml -}}
{{- range $name, $_ := (index $.Values $part).settings -}}
{{- if hasKey $owned $name -}}
{{- fail (printf "%s.settings.%s: the chart writes this setting itself; set %s." $part $name (index $owned $name)) -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.validate.engine" -}}
{{- $engine := .Values.engine -}}
{{- $memory := eq (toString (default "docker" .Values.operator.settings.RUNTIME)) "memory" -}}
{{- if and $engine.host $engine.socket.enabled -}}
{{- fail "engine: there is one engine; set either engine.host or engine.socket.enabled." -}}
{{- end -}}
{{- if not (or $engine.host $engine.socket.enabled $memory) -}}
{{- fail "engine: say where previews run: engine.host=tcp://<host>:2376 with engine.tlsSecret, or engine.socket.enabled=true with operator.nodeSelector (docs/install.md)." -}}
{{- end -}}
{{- if and $engine.host (not $engine.tlsSecret) -}}
{{- fail "engine.tlsSecret: over TCP without TLS whoever reaches the port is root on the engine's host; name a Secret with ca.pem, cert.pem and key.pem." -}}
{{- end -}}
{{- if and $engine.socket.enabled (kindIs "invalid" $engine.socket.group) -}}
{{- fail "engine.socket.group: the operator is not root and needs the socket's group: `stat -c %g /var/run/docker.sock` on the node." -}}
{{- end -}}
{{- if and $engine.socket.enabled (not (or .Values.operator.nodeSelector .Values.operator.affinity)) -}}
{{- fail "operator.nodeSelector: with engine.socket.enabled previews run on the operator's node; choose it, as in operator.nodeSelector.kubernetes\\.io/hostname=<node>." -}}
{{- end -}}
{{- end }}

{{/* How operator, bridge and Traefik find each other. */}}
{{- define "previewcloud.validate.traefik" -}}
{{- $values := .Values -}}
{{- if and $values.bridge.enabled (ne $values.operator.hostNetwork $values.bridge.hostNetwork) -}}
{{- fail "bridge.hostNetwork: operator and bridge are on the node's network both, or neither." -}}
{{- end -}}
{{- if not (or $values.routing.tokenSecret.name $values.secrets.create) -}}
{{- fail "routing.tokenSecret.name: name the Secret with the token that Traefik shows to the operator, the one of `prepare --provider-token-file`." -}}
{{- end -}}
{{- range $name := list "routing" "catchall" -}}
{{- $service := (index $values $name).service -}}
{{- if and $service.loadBalancerSourceRanges (ne $service.type "LoadBalancer") -}}
{{- fail (printf "%s.service.loadBalancerSourceRanges: only a Service of type LoadBalancer keeps others out so; with %s use networkPolicy.traefikCidrs." $name $service.type) -}}
{{- end -}}
{{- end -}}
{{- if not $values.operator.hostNetwork -}}
{{- range $name := list "httpUrl" "probeUrl" "metricsUrl" -}}
{{- if not (index $values.traefik $name) -}}
{{- fail (printf "traefik.%s: say how operator and bridge reach Traefik on the engine's host; without hostNetwork it is not on 127.0.0.1." $name) -}}
{{- end -}}
{{- end -}}
{{- if not $values.routing.tlsSecret -}}
{{- fail "routing.tlsSecret: Traefik asks for its routers over the network, with a token that plain http would show; name a Secret of type kubernetes.io/tls." -}}
{{- end -}}
{{- if $values.bridge.enabled -}}
{{- if not (and $values.catchall.url $values.catchall.tlsSecret (or $values.catchall.tokenSecret.name $values.secrets.create)) -}}
{{- fail "catchall: Traefik sends visitors to the bridge over the network; set catchall.url (https), catchall.tlsSecret and catchall.tokenSecret.name." -}}
{{- end -}}
{{- if not (hasPrefix "https://" $values.catchall.url) -}}
{{- fail "catchall.url: the bridge speaks TLS there; the address begins with https://." -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.validate.bridge" -}}
{{- $bridge := .Values.bridge -}}
{{- if gt (int $bridge.replicas) 1 -}}
{{- fail "bridge.replicas: at most 1; a bridge remembers what it wrote, and a second one would tell pull requests twice." -}}
{{- end -}}
{{- if and .Values.watchNamespace $bridge.previewNamespace (ne .Values.watchNamespace $bridge.previewNamespace) -}}
{{- fail (printf "bridge.previewNamespace: the bridge would not see its Previews in %s while watchNamespace is %s; set both to the same one." $bridge.previewNamespace .Values.watchNamespace) -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not .Values.ingress.host) -}}
{{- fail "ingress.host: the host name by which GitHub and people reach the bridge." -}}
{{- end -}}
{{- if and .Values.ingress.enabled (not $bridge.enabled) -}}
{{- fail "ingress.enabled: it leads to the bridge; set bridge.enabled=true." -}}
{{- end -}}
{{- if and $bridge.githubTokenSecret.name $bridge.githubAppId -}}
{{- fail "bridge.githubTokenSecret: use a token or an App, not both." -}}
{{- end -}}
{{- if ne (empty $bridge.githubAppId) (empty $bridge.githubAppKeySecret.name) -}}
{{- fail "bridge.githubAppId: an App needs both its id and bridge.githubAppKeySecret.name." -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.validate.logs" -}}
{{- $logs := .Values.logs -}}
{{- $volume := .Values.persistence.logs -}}
{{- if and (eq $logs.store "mongodb") (not $logs.urlSecret.name) -}}
{{- fail "logs.urlSecret.name: with logs.store=mongodb, name the Secret with the server's URL." -}}
{{- end -}}
{{- if and (eq $logs.store "sqlite") $logs.urlSecret.name -}}
{{- fail "logs.store: logs.urlSecret names a server; set logs.store=mongodb." -}}
{{- end -}}
{{- if and (eq $logs.store "sqlite") .Values.bridge.enabled (not $volume.enabled) -}}
{{- fail "persistence.logs.enabled: with logs.store=sqlite operator and bridge share one file, and so a volume; keep it, or set logs.store=mongodb." -}}
{{- end -}}
{{- if and (hasPrefix "file:" $logs.archive.url) (or (ne $logs.store "sqlite") (not $volume.enabled)) -}}
{{- fail "logs.archive.url: a directory has to lie on the logs' volume (logs.store=sqlite); set s3://<bucket>/<prefix> instead." -}}
{{- end -}}
{{- end }}

{{- define "previewcloud.validate.rest" -}}
{{- if and .Values.networkPolicy.enabled .Values.operator.hostNetwork -}}
{{- fail "networkPolicy.enabled: it does not hold pods on their node's network; use the node's firewall, or set it to false." -}}
{{- end -}}
{{- range $name, $value := omit .Values.secrets "create" -}}
{{- if and $value (not $.Values.secrets.create) -}}
{{- fail (printf "secrets.%s: is used with secrets.create=true alone; make a Secret of your own and name it instead." $name) -}}
{{- end -}}
{{- end -}}
{{- end }}
