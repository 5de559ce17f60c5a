{{- /*
Ways in from outside: an Ingress or an HTTPRoute for each of ingest, egress and the control API. Only the paths that
encoders, CDNs and operators ask for lead inside: /metrics, /healthz and /readyz, on the same ports, are under none of them.

Both take a component's context.
*/}}

{{- /* Hosts with the Service that each leads to, as a JSON array: [{host, service}]. Takes a list of the component's
       context, the host of it (or of input 1), and that of input 2. */}}
{{- define "understudy.exposure.hosts" -}}
{{- $context := index . 0 }}
{{- $first := index . 1 }}
{{- $second := index . 2 }}
{{- $split := and (eq $context.component "ingest") $context.root.Values.ingest.split.enabled }}
{{- $hosts := list }}
{{- if $second }}
{{- range $input, $host := dict "1" $first "2" $second }}
{{- $of := ternary (merge (dict "input" $input) $context) $context $split }}
{{- $hosts = append $hosts (dict "host" $host "service" (include "understudy.component.name" $of)) }}
{{- end }}
{{- else }}
{{- $hosts = append $hosts (dict "host" $first "service" (include "understudy.component.name" $context)) }}
{{- end }}
{{- toJson $hosts }}
{{- end }}

{{- /* What may be asked for from outside, as a JSON array. */}}
{{- define "understudy.exposure.paths" -}}
{{- get (dict
  "ingest" (list "/in/")
  "egress" (list "/out/")
  "controller" (list "/channels" "/origin_endpoints" "/harvest_jobs" "/tags" "/understudy/v1" "/console")
) .component | toJson }}
{{- end }}

{{- define "understudy.ingress" -}}
{{- $ingress := (index .root.Values .component).ingress }}
{{- $paths := include "understudy.exposure.paths" . | fromJsonArray }}
{{- $hosts := include "understudy.exposure.hosts" (list . $ingress.host (dig "secondHost" "" $ingress)) | fromJsonArray }}
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
  {{- with $ingress.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  {{- with $ingress.className }}
  ingressClassName: {{ . }}
  {{- end }}
  {{- if $ingress.tls.enabled }}
  tls:
    - hosts:
        {{- range $hosts }}
        - {{ .host | quote }}
        {{- end }}
      {{- with $ingress.tls.secretName }}
      secretName: {{ . }}
      {{- end }}
  {{- end }}
  rules:
    {{- range $one := $hosts }}
    - host: {{ $one.host | quote }}
      http:
        paths:
          {{- range $paths }}
          - path: {{ . }}
            pathType: Prefix
            backend:
              service:
                name: {{ $one.service }}
                port:
                  name: http
          {{- end }}
    {{- end }}
{{- end }}

{{- /* A route for each host, since the backend differs. */}}
{{- define "understudy.httproute" -}}
{{- $context := . }}
{{- $route := (index .root.Values .component).httpRoute }}
{{- $service := (index .root.Values .component).service }}
{{- $paths := include "understudy.exposure.paths" . | fromJsonArray }}
{{- range $index, $one := include "understudy.exposure.hosts" (list . $route.host (dig "secondHost" "" $route)) | fromJsonArray }}
{{- if $index }}
---
{{- end }}
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata:
  name: {{ include "understudy.component.name" $context }}{{ if $index }}-2{{ end }}
  namespace: {{ $context.root.Release.Namespace | quote }}
  labels:
    {{- include "understudy.labels" $context | nindent 4 }}
  {{- with $route.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  parentRefs:
    {{- toYaml $route.parentRefs | nindent 4 }}
  hostnames:
    - {{ $one.host | quote }}
  rules:
    - matches:
        {{- range $paths }}
        - path:
            type: PathPrefix
            value: {{ . }}
        {{- end }}
      backendRefs:
        - name: {{ $one.service }}
          port: {{ $service.port }}
      {{- with $route.timeouts }}
      timeouts:
        {{- toYaml . | nindent 8 }}
      {{- end }}
{{ end }}
{{- end }}

{{- /* The URL under which a component is reached from outside; empty where the chart does not know. Takes a list of the
       component's context and "host" or "secondHost". */}}
{{- define "understudy.exposure.url" -}}
{{- $context := index . 0 }}
{{- $key := index . 1 }}
{{- $component := index $context.root.Values $context.component }}
{{- if and $component.ingress.enabled (get $component.ingress $key) }}
{{- printf "%s://%s" (ternary "https" "http" $component.ingress.tls.enabled) (get $component.ingress $key) }}
{{- else if and $component.httpRoute.enabled (get $component.httpRoute $key) }}
{{- printf "%s://%s" (ternary "https" "http" $component.httpRoute.tls) (get $component.httpRoute $key) }}
{{- end }}
{{- end }}

{{- /* The names by which pods of the cluster reach a component, separated by commas. */}}
{{- define "understudy.service.names" -}}
{{- $name := include "understudy.component.name" . }}
{{- $space := .root.Release.Namespace }}
{{- printf "%s,%s.%s,%s.%s.svc,%s.%s.svc.cluster.local" $name $name $space $name $space $name $space }}
{{- end }}
