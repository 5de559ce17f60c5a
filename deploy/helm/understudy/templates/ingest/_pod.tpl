{{- /* What ingest alone has in its pods. */}}

{{- define "understudy.ingest.env" -}}
{{- end }}

{{- define "understudy.ingest.volumes" -}}
{{- end }}

{{- define "understudy.ingest.volumeMounts" -}}
{{- end }}
