{{- /* What the controller alone has in its pods. */}}

{{- define "understudy.controller.env" -}}
{{- end }}

{{- define "understudy.controller.volumes" -}}
{{- end }}

{{- define "understudy.controller.volumeMounts" -}}
{{- end }}
