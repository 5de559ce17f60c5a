{{- /* What egress alone has in its pods. */}}

{{- define "understudy.egress.env" -}}
{{- end }}

{{- define "understudy.egress.volumes" -}}
{{- end }}

{{- define "understudy.egress.volumeMounts" -}}
{{- end }}
