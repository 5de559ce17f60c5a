{{- /* What the harvester alone has in its pods. */}}

{{- define "understudy.harvester.env" -}}
{{- include "understudy.s3.keys.env" (list "HARVEST_S3_" .root.Values.harvester.s3) }}
{{- end }}

{{- define "understudy.harvester.volumes" -}}
{{- end }}

{{- define "understudy.harvester.volumeMounts" -}}
{{- end }}
