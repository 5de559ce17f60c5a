{{- /*
Where traces go: to the services that make them, in OpenTelemetry's own variables.
*/}}

{{- /* What stands in a component's extraEnv is left to that. */}}
{{- define "understudy.traces.env" -}}
{{- if eq (include "understudy.traces" .) "otlp" }}
{{- $traces := .root.Values.traces }}
{{- $variables := list
  (dict "name" "OTEL_EXPORTER_OTLP_ENDPOINT" "value" $traces.endpoint)
  (dict "name" "OTEL_TRACES_SAMPLER" "value" "parentbased_traceidratio")
  (dict "name" "OTEL_TRACES_SAMPLER_ARG" "value" (include "understudy.text" $traces.share))
  (dict "name" "POD_NAME" "valueFrom" (dict "fieldRef" (dict "fieldPath" "metadata.name")))
  (dict "name" "OTEL_RESOURCE_ATTRIBUTES" "value" (printf "k8s.namespace.name=%s,k8s.pod.name=$(POD_NAME)" .root.Release.Namespace))
}}
{{- if $traces.headersSecret }}
{{- $variables = append $variables (include "understudy.secretEnv" (list "OTEL_EXPORTER_OTLP_HEADERS" $traces.headersSecret $traces.headersSecretKey) | fromYamlArray | first) }}
{{- end }}
{{- $own := list }}
{{- range (index .root.Values .component).extraEnv }}
{{- $own = append $own .name }}
{{- end }}
{{- range $variables }}
{{- if not (has .name $own) }}
{{ list . | toYaml }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{- /* What a component does with its traces: `none` or `otlp`. The harvester makes none. */}}
{{- define "understudy.traces" -}}
{{- ternary "none" ((include "understudy.config" . | fromJson).traces | default "none") (eq .component "harvester") }}
{{- end }}

{{- define "understudy.networkpolicy.traces" -}}
{{- if eq (include "understudy.traces" .) "otlp" }}
# {{ .component }} --> the collector of traces
{{ include "understudy.networkpolicy.to" (list .root.Values.networkPolicy.traces (.root.Values.networkPolicy.tracesPorts | default (list (include "understudy.traces.port" .root | int)))) }}
{{- end }}
{{- end }}

{{- define "understudy.traces.port" -}}
{{- $url := urlParse .Values.traces.endpoint }}
{{- include "understudy.url.port" (list $url.host (ternary 443 80 (eq $url.scheme "https"))) }}
{{- end }}
