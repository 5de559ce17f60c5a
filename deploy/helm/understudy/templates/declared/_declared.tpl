{{- /*
Channels and origin endpoints that values declare, as the file that controllers read (docs/operations/declaring.md). It is
in a ConfigMap, or in a Secret where a password stands in it; credentials that are made are files beside it, in a Secret
of their own. Controllers look at all of them every second, so that no checksum of them is among a pod's annotations: a
change is applied without a restart.
*/}}

{{- define "understudy.declared.folder" -}}
/etc/understudy/declared
{{- end }}

{{- define "understudy.declared.name" -}}
{{ include "understudy.fullname" . }}-declared
{{- end }}

{{- define "understudy.declared.credentials" -}}
{{ include "understudy.fullname" . }}-ingest-credentials
{{- end }}

{{- /* Whether there is a file at all. To take away what was declared before, one that declares nothing must stay. */}}
{{- define "understudy.declared.isOn" -}}
{{- $declared := .Values.declared }}
{{- if or $declared.existingSecret $declared.channels $declared.originEndpoints .Values.controller.config.declaredPrune (include "understudy.demo.isOn" .) }}true{{ end }}
{{- end }}

{{- define "understudy.demo.isOn" -}}
{{- if and .Values.evaluation.enabled .Values.evaluation.demo.enabled (not .Values.declared.existingSecret) }}true{{ end }}
{{- end }}

{{- /* A guid of the demo that stays as it is, so that its URLs can be told. Takes a list of root and a word. */}}
{{- define "understudy.demo.guid" -}}
{{- $root := index . 0 }}
{{- printf "%s/%s/demo/%s" $root.Release.Namespace $root.Release.Name (index . 1) | sha256sum | trunc 32 }}
{{- end }}

{{- /* The channels, those without credentials with the files of the ones that are made. As JSON. */}}
{{- define "understudy.declared.channels" -}}
{{- $channels := list }}
{{- range .Values.declared.channels }}
{{- $channel := deepCopy . }}
{{- if and $.Values.declared.credentials.generated (not .hlsIngest) }}
{{- $_ := set $channel "hlsIngest" (dict "ingestEndpoints" (list (include "understudy.declared.pair" (list .id 1) | fromJson) (include "understudy.declared.pair" (list .id 2) | fromJson))) }}
{{- end }}
{{- $channels = append $channels $channel }}
{{- end }}
{{- if include "understudy.demo.isOn" . }}
{{- $first := include "understudy.declared.pair" (list "demo" 1) | fromJson }}
{{- $second := set (include "understudy.declared.pair" (list "demo" 2) | fromJson) "id" (include "understudy.demo.guid" (list . "input-2")) }}
{{- $channels = append $channels (dict "id" "demo" "description" "To try it: not for production" "guid" (include "understudy.demo.guid" (list . "channel")) "hlsIngest" (dict "ingestEndpoints" (list $first $second))) }}
{{- end }}
{{- toJson $channels }}
{{- end }}

{{- define "understudy.declared.originEndpoints" -}}
{{- $endpoints := .Values.declared.originEndpoints }}
{{- if include "understudy.demo.isOn" . }}
{{- $endpoints = append $endpoints (dict "id" "demo-hls" "channelId" "demo" "guid" (include "understudy.demo.guid" (list . "hls")) "startoverWindowSeconds" 3600 "hlsPackage" (dict "segmentDurationSeconds" 2 "playlistWindowSeconds" 60 "programDateTimeIntervalSeconds" 2)) }}
{{- end }}
{{- toJson $endpoints }}
{{- end }}

{{- /* The files of an input's credentials. Takes a list of the channel's id and the input's number. As JSON. */}}
{{- define "understudy.declared.pair" -}}
{{- $name := printf "%s-%d" (index . 0) (int (index . 1)) }}
{{- dict "usernameFile" (printf "%s-username" $name) "passwordFile" (printf "%s-password" $name) | toJson }}
{{- end }}

{{- /* Ids of the channels whose credentials are made, as a JSON array. */}}
{{- define "understudy.declared.generated" -}}
{{- $ids := list }}
{{- if .Values.declared.credentials.generated }}
{{- range .Values.declared.channels }}
{{- if not .hlsIngest }}
{{- $ids = append $ids .id }}
{{- end }}
{{- end }}
{{- end }}
{{- if include "understudy.demo.isOn" . }}
{{- $ids = append $ids "demo" }}
{{- end }}
{{- toJson $ids }}
{{- end }}

{{- /* JSON is YAML too, and leaves no doubt about what is a number and what a text. */}}
{{- define "understudy.declared.text" -}}
{{- dict "channels" (include "understudy.declared.channels" . | fromJsonArray) "originEndpoints" (include "understudy.declared.originEndpoints" . | fromJsonArray) | toPrettyJson }}
{{- end }}

{{- define "understudy.declared.holdsPasswords" -}}
{{- range .Values.declared.channels }}
{{- range dig "ingestEndpoints" list (.hlsIngest | default dict) }}
{{- if .password }}true{{ end }}
{{- end }}
{{- end }}
{{- end }}

{{- define "understudy.declared.volume" -}}
{{- if include "understudy.declared.isOn" . }}
- name: declared
  projected:
    sources:
      {{- if .Values.declared.existingSecret }}
      - secret:
          name: {{ .Values.declared.existingSecret }}
      {{- else }}
      - {{ ternary "secret" "configMap" (ne (include "understudy.declared.holdsPasswords" .) "") }}:
          name: {{ include "understudy.declared.name" . }}
      {{- if include "understudy.declared.generated" . | fromJsonArray }}
      - secret:
          name: {{ include "understudy.declared.credentials" . }}
      {{- end }}
      {{- end }}
      {{- with .Values.declared.credentials.existingSecret }}
      - secret:
          name: {{ . }}
      {{- end }}
{{- end }}
{{- end }}
