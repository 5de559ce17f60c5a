{{- /*
From values to the environment that a service reads (docs/settings.md). Settings stand in the pod's specification rather
than in a ConfigMap: then a rollback of a deployment brings back the settings too, and a pod that starts anew in
the middle of an upgrade has those of its own revision.
*/}}

{{- /* A value as text. Helm reads numbers as floating point and would write 67108864 as 6.7108864e+07. */}}
{{- define "understudy.text" -}}
{{- if and (kindIs "float64" .) (eq . (floor .)) }}
{{- int64 . }}
{{- else }}
{{- . }}
{{- end }}
{{- end }}

{{- /* One variable for each key of a dict: holdSeconds with the prefix "" is UNDERSTUDY_HOLD_SECONDS. Null is left to the
       service's own default. Takes a list of prefix and dict. */}}
{{- define "understudy.settings" -}}
{{- $prefix := index . 0 }}
{{- range $key, $value := index . 1 }}
{{- if not (kindIs "invalid" $value) }}
- name: UNDERSTUDY_{{ $prefix }}{{ regexReplaceAll "([A-Z])" $key "_${1}" | upper }}
  value: {{ include "understudy.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A component's config over the one that all share, nulls left aside. As JSON. */}}
{{- define "understudy.config" -}}
{{- $config := dict }}
{{- range list .root.Values.config (index .root.Values .component).config }}
{{- range $key, $value := . }}
{{- if not (kindIs "invalid" $value) }}
{{- $_ := set $config $key $value }}
{{- end }}
{{- end }}
{{- end }}
{{- toJson $config }}
{{- end }}

{{- /* The whole environment of a component: its config, then NATS, S3, what is its own, and what the user adds. */}}
{{- define "understudy.env" -}}
- name: UNDERSTUDY_LISTEN_PORT
  value: {{ include "understudy.port" . | quote }}
{{- include "understudy.settings" (list "" (include "understudy.config" . | fromJson)) }}
{{- include "understudy.nats.env" . }}
{{- include "understudy.s3.env" . }}
{{- include "understudy.connection.env" . }}
{{- include "understudy.traces.env" . }}
{{- include (printf "understudy.%s.env" .component) . }}
{{- with (index .root.Values .component).extraEnv }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* The port that every service listens on: above 1024, since they run without privileges. */}}
{{- define "understudy.port" -}}
8080
{{- end }}

{{- define "understudy.nats.env" -}}
{{- $nats := .root.Values.nats }}
{{- include "understudy.settings" (list "NATS_" (dict "url" (include "understudy.nats.url" .root) "replicas" (include "understudy.nats.replicas" .root) "timeoutSeconds" $nats.timeoutSeconds)) }}
{{- include "understudy.evaluation.nats.env" .root }}
{{- end }}

{{- define "understudy.nats.url" -}}
{{ ternary (printf "nats://%s" (include "understudy.evaluation.nats.host" .)) .Values.nats.url .Values.evaluation.enabled }}
{{- end }}

{{- define "understudy.nats.replicas" -}}
{{- /* A single server holds a single copy. */}}
{{- ternary "1" (include "understudy.text" .Values.nats.replicas) .Values.evaluation.enabled }}
{{- end }}

{{- define "understudy.s3.env" -}}
{{- $s3 := include "understudy.s3" .root | fromJson }}
{{- include "understudy.settings" (list "S3_" (pick $s3 "endpointUrl" "bucket" "region" "addressingStyle" "timeoutSeconds")) }}
{{- include "understudy.s3.keys.env" (list "S3_" $s3) }}
{{- end }}

{{- /* The values of s3, or those of the S3 server inside the release. As JSON. */}}
{{- define "understudy.s3" -}}
{{- $s3 := deepCopy .Values.s3 }}
{{- if .Values.evaluation.enabled }}
{{- $_ := set $s3 "endpointUrl" (include "understudy.evaluation.s3.url" .) }}
{{- $_ := set $s3 "bucket" (include "understudy.evaluation.s3.bucket" .) }}
{{- $_ := set $s3 "existingSecret" (include "understudy.component.name" (dict "root" . "component" "evaluation-s3")) }}
{{- $_ := set $s3 "existingSecretKeys" (dict "accessKeyId" "access-key-id" "secretAccessKey" "secret-access-key") }}
{{- end }}
{{- toJson $s3 }}
{{- end }}

{{- /* The two keys from an existing secret. Takes a list of prefix and values with existingSecret and existingSecretKeys. */}}
{{- define "understudy.s3.keys.env" -}}
{{- $prefix := index . 0 }}
{{- $s3 := index . 1 }}
{{- if $s3.existingSecret }}
{{ include "understudy.secretEnv" (list (printf "UNDERSTUDY_%sACCESS_KEY_ID" $prefix) $s3.existingSecret $s3.existingSecretKeys.accessKeyId) }}
{{ include "understudy.secretEnv" (list (printf "UNDERSTUDY_%sSECRET_ACCESS_KEY" $prefix) $s3.existingSecret $s3.existingSecretKeys.secretAccessKey) }}
{{- end }}
{{- end }}

{{- /* A quantity of memory in bytes. */}}
{{- define "understudy.bytes" -}}
{{- $units := dict "" 1 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 }}
{{- $text := include "understudy.text" . }}
{{- $number := regexFind "^[0-9.]+" $text }}
{{- mulf (float64 $number) (float64 (get $units (trimPrefix $number $text))) | int64 }}
{{- end }}
