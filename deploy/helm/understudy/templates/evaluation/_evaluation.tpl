{{- /*
The two servers that a release may bring along to be tried. One pod each, without a second copy of anything: for
production they are yours (docs/operations).

Contexts are those of a component (_helpers-names.tpl), with component evaluation-nats or evaluation-s3, and
  values  evaluation.nats or evaluation.s3
*/}}


{{- define "understudy.evaluation.labels" -}}
{{ include "understudy.labels" . }}
understudy/evaluation-only: "true"
{{- end }}

{{- define "understudy.evaluation.metadata" -}}
name: {{ include "understudy.component.name" . }}
namespace: {{ .root.Release.Namespace | quote }}
labels:
  {{- include "understudy.evaluation.labels" . | nindent 2 }}
{{- end }}

{{- define "understudy.evaluation.image" -}}
{{- $image := .values.image }}
{{- if $image.digest }}
{{- printf "%s@%s" $image.repository $image.digest }}
{{- else }}
{{- printf "%s:%s" $image.repository $image.tag }}
{{- end }}
{{- end }}

{{- /* Of all passwords of the two, which services read once. */}}
{{- define "understudy.evaluation.checksum" -}}
{{- list (include "understudy.evaluation.nats.password" .) (include "understudy.evaluation.s3.id" .) (include "understudy.evaluation.s3.secret" .) | join "/" | sha256sum }}
{{- end }}

{{- define "understudy.evaluation.nats.password" -}}
{{ include "understudy.generated.text" (dict "root" . "name" (include "understudy.component.name" (dict "root" . "component" "evaluation-nats")) "key" "password" "length" 32) }}
{{- end }}

{{- define "understudy.evaluation.s3.id" -}}
{{ include "understudy.generated.text" (dict "root" . "name" (include "understudy.component.name" (dict "root" . "component" "evaluation-s3")) "key" "access-key-id" "length" 20) }}
{{- end }}

{{- define "understudy.evaluation.s3.secret" -}}
{{ include "understudy.generated.text" (dict "root" . "name" (include "understudy.component.name" (dict "root" . "component" "evaluation-s3")) "key" "secret-access-key" "length" 40) }}
{{- end }}

{{- /* Where services find them. */}}
{{- define "understudy.evaluation.nats.host" -}}
{{ include "understudy.component.name" (dict "root" . "component" "evaluation-nats") }}:4222
{{- end }}

{{- define "understudy.evaluation.s3.url" -}}
http://{{ include "understudy.component.name" (dict "root" . "component" "evaluation-s3") }}:8333
{{- end }}

{{- define "understudy.evaluation.claim" -}}
apiVersion: v1
kind: PersistentVolumeClaim
metadata:
  {{- include "understudy.evaluation.metadata" . | nindent 2 }}
spec:
  accessModes: [ReadWriteOnce]
  {{- with .root.Values.evaluation.persistence.storageClass }}
  storageClassName: {{ . }}
  {{- end }}
  resources:
    requests:
      storage: {{ .values.persistence.size }}
{{- end }}

{{- /* A deployment of one pod that is gone before the next one comes: both would write the same files. */}}
{{- define "understudy.evaluation.deployment" -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "understudy.evaluation.metadata" . | nindent 2 }}
spec:
  replicas: 1
  revisionHistoryLimit: {{ .root.Values.revisionHistoryLimit }}
  strategy:
    type: Recreate
  selector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
  template:
    metadata:
      labels:
        {{- include "understudy.selectorLabels" . | nindent 8 }}
        app.kubernetes.io/part-of: understudy
        understudy/evaluation-only: "true"
      annotations:
        # Both read their configuration once, at the start. A password that is kept keeps the sum.
        checksum/config: {{ .checksum }}
    spec:
      automountServiceAccountToken: false
      enableServiceLinks: false
      {{- with .root.Values.imagePullSecrets }}
      imagePullSecrets:
        {{- toYaml . | nindent 8 }}
      {{- end }}
      securityContext:
        {{- $security := deepCopy .root.Values.podSecurityContext }}
        {{- /* Volumes belong to root until they are given to a group. A cluster that chooses users chooses this too. */}}
        {{- if $security.runAsGroup }}
        {{- $_ := set $security "fsGroup" $security.runAsGroup }}
        {{- $_ := set $security "fsGroupChangePolicy" "OnRootMismatch" }}
        {{- end }}
        {{- toYaml $security | nindent 8 }}
      terminationGracePeriodSeconds: 30
      containers:
        {{- .containers | nindent 8 }}
      volumes:
        - name: data
          {{- if .root.Values.evaluation.persistence.enabled }}
          persistentVolumeClaim:
            claimName: {{ include "understudy.component.name" . }}
          {{- else }}
          emptyDir:
            sizeLimit: {{ .values.persistence.size }}
          {{- end }}
        {{- .volumes | nindent 8 }}
{{- end }}

{{- /* To one port of it, from the pods of the release that need it. Takes a component's context with `port` and `from`. */}}
{{- define "understudy.evaluation.networkpolicy" -}}
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata:
  {{- include "understudy.evaluation.metadata" . | nindent 2 }}
spec:
  podSelector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
  policyTypes: [Ingress, Egress]
  ingress:
    # services --> {{ .component }}
    - ports:
        - port: {{ .port }}
          protocol: TCP
      from:
        - podSelector:
            matchLabels:
              app.kubernetes.io/name: {{ include "understudy.name" .root | quote }}
              app.kubernetes.io/instance: {{ .root.Release.Name | quote }}
            matchExpressions:
              - key: app.kubernetes.io/component
                operator: In
                values: [ingest, controller, egress, harvester]
  # It asks nobody for anything.
  egress: []
{{- end }}
