{{- /*
Every name and label of the chart is made here, and nowhere else.

Most templates take a component's context: a dict of
  root       the chart's own context
  component  ingest | controller | egress | harvester
  input      "1" or "2" where ingest has a deployment for each input, else ""
*/}}

{{- /* What all names begin with. Short enough for the longest suffix (20 characters) within the 63 of a DNS label; two
       releases whose names differ at their ends alone do not meet. */}}
{{- define "understudy.fullname" -}}
{{- $name := .Values.fullnameOverride | default (ternary .Release.Name (printf "%s-%s" .Release.Name (include "understudy.name" .)) (contains (include "understudy.name" .) .Release.Name)) }}
{{- if gt (len $name) 43 }}
{{- printf "%s-%s" (trunc 35 $name | trimSuffix "-") (sha256sum $name | trunc 7) }}
{{- else }}
{{- $name }}
{{- end }}
{{- end }}

{{- define "understudy.name" -}}
{{ .Values.nameOverride | default .Chart.Name | trunc 43 | trimSuffix "-" }}
{{- end }}

{{- /* The name of a component's objects: <fullname>-ingest, or <fullname>-ingest-1. */}}
{{- define "understudy.component.name" -}}
{{ include "understudy.fullname" .root }}-{{ .component }}{{ with .input }}-{{ . }}{{ end }}
{{- end }}

{{- /* What never changes about an object, hence what selectors use. */}}
{{- define "understudy.selectorLabels" -}}
app.kubernetes.io/name: {{ include "understudy.name" .root | quote }}
app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
app.kubernetes.io/component: {{ .component }}
{{- with .input }}
understudy/input: {{ . | quote }}
{{- end }}
{{- end }}

{{- define "understudy.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "understudy.selectorLabels" . }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/part-of: understudy
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- /* Name, namespace and labels of a component's object. */}}
{{- define "understudy.metadata" -}}
name: {{ include "understudy.component.name" . }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "understudy.labels" . | nindent 2 }}
{{- end }}

{{- define "understudy.serviceAccountName" -}}
{{- $account := (index .root.Values .component).serviceAccount }}
{{- if $account.create }}
{{- $account.name | default (include "understudy.component.name" (omit . "input")) }}
{{- else }}
{{- $account.name | default "default" }}
{{- end }}
{{- end }}

{{- /* A component's image: by digest where one is given, else by tag. */}}
{{- define "understudy.image" -}}
{{- $image := (index .root.Values .component).image }}
{{- $shared := .root.Values.image }}
{{- $repository := $image.repository }}
{{- with $shared.registry }}
{{- $repository = printf "%s/%s" (trimSuffix "/" .) $repository }}
{{- end }}
{{- if $image.digest }}
{{- printf "%s@%s" $repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $repository ($image.tag | default $shared.tag | default .root.Chart.AppVersion) }}
{{- end }}
{{- end }}

{{- /* The inputs that ingest has a deployment for, as a JSON array: [""] is one for both. */}}
{{- define "understudy.ingest.inputs" -}}
{{ ternary (list "1" "2") (list "") .Values.ingest.split.enabled | toJson }}
{{- end }}
