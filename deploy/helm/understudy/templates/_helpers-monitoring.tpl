{{- /* How Prometheus finds a component's pods. Takes a component's context. */}}
{{- define "understudy.servicemonitor" -}}
{{- $monitor := .root.Values.monitoring.serviceMonitor }}
apiVersion: monitoring.coreos.com/v1
kind: ServiceMonitor
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
    {{- with $monitor.labels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  namespaceSelector:
    matchNames: [{{ .root.Release.Namespace | quote }}]
  selector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
    # Where ingest has a Service for each input besides, each pod is asked once.
    matchExpressions:
      - key: understudy/input
        operator: DoesNotExist
  endpoints:
    - port: http
      path: /metrics
      interval: {{ $monitor.interval }}
      {{- with $monitor.scrapeTimeout }}
      scrapeTimeout: {{ . }}
      {{- end }}
{{- end }}
