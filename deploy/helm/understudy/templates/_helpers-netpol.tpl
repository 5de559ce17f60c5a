{{- /*
Rules of network policies that several components share. A policy lists what is allowed; whatever a pod that it selects
is not allowed is refused, in both directions. Ports are those of the pod, after a Service has translated them. Probes
come from the node, which policies do not hold back.
*/}}

{{- define "understudy.networkpolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
{{- end }}

{{- /* Who may come to the one port of a component. Takes a list of peers; none means anybody. */}}
{{- define "understudy.networkpolicy.from" -}}
- ports:
    - port: http
      protocol: TCP
  {{- with . }}
  from:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* To peers, at ports. Takes a list of peers (none means any address) and a list of TCP ports. */}}
{{- define "understudy.networkpolicy.to" -}}
- ports:
    {{- range index . 1 }}
    - port: {{ int . }}
      protocol: TCP
    {{- end }}
  {{- with index . 0 }}
  to:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- define "understudy.networkpolicy.prometheus" -}}
{{- with .root.Values.networkPolicy.prometheus -}}
# Prometheus --> metrics
{{ include "understudy.networkpolicy.from" . }}
{{- end }}
{{- end }}

{{- define "understudy.networkpolicy.smokeTest" -}}
{{- if .root.Values.tests.enabled }}
# helm test --> {{ .component }}
{{ include "understudy.networkpolicy.from" (list (dict "podSelector" (dict "matchLabels" (include "understudy.selectorLabels" (dict "root" .root "component" "smoke-test") | fromYaml)))) }}
{{- end }}
{{- end }}

{{- define "understudy.networkpolicy.nats" -}}
# {{ .component }} --> NATS
{{ include "understudy.networkpolicy.to" (list .root.Values.networkPolicy.nats (.root.Values.networkPolicy.natsPorts | default (include "understudy.nats.ports" .root | fromJsonArray))) }}
{{- end }}

{{- define "understudy.networkpolicy.s3" -}}
# {{ .component }} --> S3, and what lends a pod its role
{{ include "understudy.networkpolicy.to" (list .root.Values.networkPolicy.s3 (.root.Values.networkPolicy.s3Ports | default (include "understudy.s3.ports" .root | fromJsonArray))) }}
{{- if not (include "understudy.s3" .root | fromJson).existingSecret }}
# {{ .component }} --> the addresses where a node, or an agent on it, hands out the credentials of a role
{{ include "understudy.networkpolicy.to" (list (list (dict "ipBlock" (dict "cidr" "169.254.169.254/32")) (dict "ipBlock" (dict "cidr" "169.254.170.23/32"))) (list 80)) }}
{{- end }}
{{- end }}

{{- define "understudy.networkpolicy.dns" -}}
# {{ .component }} --> DNS
- ports:
    {{- /* A rule without ports would let everything out. */}}
    {{- range .root.Values.networkPolicy.dnsPorts | default (list 53) }}
    - port: {{ . }}
      protocol: UDP
    - port: {{ . }}
      protocol: TCP
    {{- end }}
{{- end }}

{{- /* The ports in a list of NATS URLs, as a JSON array. */}}
{{- define "understudy.nats.ports" -}}
{{- $ports := list }}
{{- range splitList "," (include "understudy.nats.url" .) }}
{{- $ports = append $ports (include "understudy.url.port" (list (trim .) 4222) | int) }}
{{- end }}
{{- uniq $ports | toJson }}
{{- end }}

{{- /* The ports at which S3, and STS for roles, is reached, as a JSON array. */}}
{{- define "understudy.s3.ports" -}}
{{- $s3 := include "understudy.s3" . | fromJson }}
{{- $ports := list (include "understudy.s3.port" $s3.endpointUrl | int) }}
{{- if not $s3.existingSecret }}
{{- $ports = append $ports 443 }}
{{- end }}
{{- uniq $ports | toJson }}
{{- end }}

{{- define "understudy.s3.port" -}}
{{ include "understudy.url.port" (list (. | default "https://") (ternary 80 443 (hasPrefix "http://" (. | default "")))) }}
{{- end }}

{{- /* The port in a URL. Takes a list of the URL and the port where it has none. */}}
{{- define "understudy.url.port" -}}
{{- regexFind ":[0-9]+/?$" (index . 0 | toString) | trimPrefix ":" | trimSuffix "/" | default (index . 1 | toString) }}
{{- end }}
