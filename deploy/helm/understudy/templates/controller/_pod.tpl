{{- /* What the controller alone has in its pods: the access keys of the control API, what is declared, and webhooks. */}}

{{- define "understudy.controller.env" -}}
{{- $config := include "understudy.config" . | fromJson }}
{{- include "understudy.settings" (list "" (include "understudy.controller.publicUrls" . | fromJson)) }}
{{- if eq $config.authentication "sigv4" }}
- name: UNDERSTUDY_ACCESS_KEYS_FILE
  value: {{ include "understudy.accessKeys.file" . }}
{{- else if not $config.apiHosts }}
# Names of others are refused: a page in somebody's browser can make one lead here.
- name: UNDERSTUDY_API_HOSTS
  value: {{ include "understudy.controller.hosts" . }}
{{- end }}
{{- if include "understudy.declared.isOn" .root }}
- name: UNDERSTUDY_DECLARED_FILE
  value: {{ include "understudy.declared.folder" . }}/declared.yaml
{{- end }}
{{- if .root.Values.controller.webhooks.existingSecret }}
- name: UNDERSTUDY_WEBHOOKS_FILE
  value: /etc/understudy/webhooks/webhooks.yaml
{{- end }}
{{- end }}

{{- define "understudy.controller.volumes" -}}
{{- if include "understudy.accessKeys.isOn" .root }}
- name: access-keys
  secret:
    secretName: {{ include "understudy.accessKeys.secret" .root }}
    items:
      - key: {{ include "understudy.accessKeys.key" .root }}
        path: access-keys.yaml
{{- end }}
{{- include "understudy.declared.volume" .root }}
{{- with .root.Values.controller.webhooks }}
{{- if .existingSecret }}
{{- /* Controllers look at the file every second: it is followed without a restart. */}}
- name: webhooks
  secret:
    secretName: {{ .existingSecret }}
    items:
      - key: {{ .existingSecretKey }}
        path: webhooks.yaml
{{- end }}
{{- end }}
{{- end }}

{{- define "understudy.controller.volumeMounts" -}}
{{- /* Folders, not single files: those would stay as they were when the pod began. */}}
{{- if include "understudy.accessKeys.isOn" .root }}
- name: access-keys
  mountPath: {{ include "understudy.accessKeys.folder" . }}
  readOnly: true
{{- end }}
{{- if include "understudy.declared.isOn" .root }}
- name: declared
  mountPath: {{ include "understudy.declared.folder" . }}
  readOnly: true
{{- end }}
{{- if .root.Values.controller.webhooks.existingSecret }}
- name: webhooks
  mountPath: /etc/understudy/webhooks
  readOnly: true
{{- end }}
{{- end }}

{{- /* What config leaves open and the chart knows: as JSON, by the names of config. */}}
{{- define "understudy.controller.publicUrls" -}}
{{- $root := .root }}
{{- $config := include "understudy.config" . | fromJson }}
{{- $urls := dict }}
{{- range $key, $from := dict "ingestPublicUrl" (list "ingest" "host") "secondIngestPublicUrl" (list "ingest" "secondHost") "egressPublicUrl" (list "egress" "host") }}
{{- if not (hasKey $config $key) }}
{{- $context := dict "root" $root "component" (index $from 0) }}
{{- with include "understudy.exposure.url" (list $context (index $from 1)) }}
{{- $_ := set $urls $key . }}
{{- else }}
{{- /* To try it, ports are forwarded to this machine: the services' own defaults. Else: inside the cluster. */}}
{{- /* Where ingest is split, each input has its own Service there too: the one for both crosses zones. */}}
{{- $split := and (eq (index $from 0) "ingest") $root.Values.ingest.split.enabled }}
{{- if and (or (eq (index $from 1) "host") $split) (not $root.Values.evaluation.enabled) }}
{{- $of := ternary (merge (dict "input" (ternary "1" "2" (eq (index $from 1) "host"))) $context) $context $split }}
{{- $_ := set $urls $key (printf "http://%s.%s.svc:%v" (include "understudy.component.name" $of) $root.Release.Namespace (index $root.Values (index $from 0)).service.port) }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $urls }}
{{- end }}

{{- define "understudy.controller.hosts" -}}
{{- $hosts := list (include "understudy.service.names" .) }}
{{- range list .root.Values.controller.ingress .root.Values.controller.httpRoute }}
{{- if .enabled }}
{{- $hosts = append $hosts .host }}
{{- end }}
{{- end }}
{{- join "," (uniq $hosts) }}
{{- end }}
