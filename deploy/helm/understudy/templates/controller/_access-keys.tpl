{{- /* The access keys of the control API: an existing secret, or one with a single key that is made once. Controllers look
       at the file every second, so that no checksum of it is among a pod's annotations. */}}

{{- define "understudy.accessKeys.isOn" -}}
{{- if eq .Values.controller.config.authentication "sigv4" }}true{{ end }}
{{- end }}

{{- define "understudy.accessKeys.secret" -}}
{{- .Values.controller.accessKeys.existingSecret | default (printf "%s-access-keys" (include "understudy.fullname" .)) }}
{{- end }}

{{- define "understudy.accessKeys.key" -}}
{{- ternary .Values.controller.accessKeys.existingSecretKey "access-keys.yaml" (ne .Values.controller.accessKeys.existingSecret "") }}
{{- end }}

{{- define "understudy.accessKeys.folder" -}}
/etc/understudy/access-keys
{{- end }}

{{- define "understudy.accessKeys.file" -}}
{{ include "understudy.accessKeys.folder" . }}/access-keys.yaml
{{- end }}
