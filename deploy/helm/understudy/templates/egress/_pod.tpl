{{- /* What egress alone has in its pods: the secrets by which CDNs are known. */}}

{{- define "understudy.egress.env" -}}
{{- if include "understudy.cdnSecrets.isOn" .root }}
- name: UNDERSTUDY_SECRETS_DIRECTORY
  value: /etc/understudy/cdn-secrets
{{- end }}
{{- end }}

{{- define "understudy.egress.volumes" -}}
{{- if include "understudy.cdnSecrets.isOn" .root }}
{{- /* Egress looks at the files every second: they are followed without a restart. */}}
- name: cdn-secrets
  projected:
    sources:
      {{- with .root.Values.egress.cdnSecrets.existingSecret }}
      - secret:
          name: {{ . }}
      {{- end }}
      {{- if .root.Values.egress.cdnSecrets.generated }}
      - secret:
          name: {{ include "understudy.cdnSecrets.name" .root }}
      {{- end }}
{{- end }}
{{- end }}

{{- define "understudy.egress.volumeMounts" -}}
{{- if include "understudy.cdnSecrets.isOn" .root }}
- name: cdn-secrets
  mountPath: /etc/understudy/cdn-secrets
  readOnly: true
{{- end }}
{{- end }}

{{- define "understudy.cdnSecrets.isOn" -}}
{{- if or .Values.egress.cdnSecrets.existingSecret .Values.egress.cdnSecrets.generated }}true{{ end }}
{{- end }}

{{- define "understudy.cdnSecrets.name" -}}
{{ include "understudy.fullname" . }}-cdn-secrets
{{- end }}
