{{- /* What the pods of all components have alike. A component's own part is in <component>/_pod.tpl. */}}

{{- define "understudy.pod" -}}
{{- $values := index .root.Values .component -}}
metadata:
  # Without the chart's version: what changes nothing in a pod replaces none.
  labels:
    {{- include "understudy.selectorLabels" . | nindent 4 }}
    app.kubernetes.io/part-of: understudy
    {{- with merge (dict) $values.podLabels .root.Values.commonLabels }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- $annotations := merge (include "understudy.checksums" . | fromYaml) $values.podAnnotations }}
  {{- with $annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  serviceAccountName: {{ include "understudy.serviceAccountName" . }}
  # No service asks the Kubernetes API for anything.
  automountServiceAccountToken: false
  # A variable for each Service of the namespace would begin with UNDERSTUDY_ too, and could be taken for a setting.
  enableServiceLinks: false
  {{- with .root.Values.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    {{- toYaml .root.Values.podSecurityContext | nindent 4 }}
  # The images have no shell to sleep in before the end: after SIGTERM a service goes on accepting for
  # drainDelaySeconds by itself, and then lets open requests end for drainSeconds.
  terminationGracePeriodSeconds: {{ include "understudy.gracePeriodSeconds" . }}
  {{- with $values.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with include "understudy.nodeSelector" . | fromYaml }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $values.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "understudy.affinity" . | fromYaml }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with include "understudy.topologySpreadConstraints" . | fromYamlArray }}
  topologySpreadConstraints:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
    - name: {{ .component }}
      image: {{ include "understudy.image" . }}
      imagePullPolicy: {{ .root.Values.image.pullPolicy }}
      command: ["python", "-P", "-m", "understudy_{{ .component }}"]
      env:
        {{- include "understudy.env" . | trim | nindent 8 }}
      ports:
        - name: http
          containerPort: {{ include "understudy.port" . }}
          protocol: TCP
      # A start that waits for NATS is no reason to begin anew.
      startupProbe:
        {{- include "understudy.probe" (list "/readyz" $values.probes.startup) | nindent 8 }}
      # The event loop turns: nothing that a service depends on is looked at.
      livenessProbe:
        {{- include "understudy.probe" (list "/healthz" $values.probes.liveness) | nindent 8 }}
      # False from SIGTERM on, and never because NATS or S3 is away.
      readinessProbe:
        {{- include "understudy.probe" (list "/readyz" $values.probes.readiness) | nindent 8 }}
      resources:
        {{- toYaml $values.resources | nindent 8 }}
      securityContext:
        {{- toYaml .root.Values.containerSecurityContext | nindent 8 }}
      {{- with include "understudy.volumeMounts" . | fromYamlArray }}
      volumeMounts:
        {{- toYaml . | nindent 8 }}
      {{- end }}
  {{- with include "understudy.volumes" . | fromYamlArray }}
  volumes:
    {{- toYaml . | nindent 4 }}
  {{- end }}
{{- end }}

{{- /* Sums of what the chart itself makes and a service reads once, at its start: when that changes, pods are replaced.
       What services look at again by themselves (access keys, CDN secrets, declared resources) is not among it. */}}
{{- define "understudy.checksums" -}}
{{- if .root.Values.evaluation.enabled }}
checksum/evaluation: {{ include "understudy.evaluation.checksum" .root }}
{{- end }}
{{- end }}

{{- define "understudy.volumes" -}}
{{- include "understudy.connection.volumes" . }}
{{- include (printf "understudy.%s.volumes" .component) . }}
{{- with (index .root.Values .component).extraVolumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "understudy.volumeMounts" -}}
{{- include "understudy.connection.volumeMounts" . }}
{{- include (printf "understudy.%s.volumeMounts" .component) . }}
{{- with (index .root.Values .component).extraVolumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "understudy.probe" -}}
httpGet:
  path: {{ index . 0 }}
  port: http
{{ toYaml (index . 1) }}
{{- end }}

{{- define "understudy.gracePeriodSeconds" -}}
{{- (index .root.Values .component).terminationGracePeriodSeconds | default (include "understudy.endingSeconds" .) }}
{{- end }}

{{- /* How long a service may take from SIGTERM to its end: it goes on accepting, then open requests end, then what is
       open to NATS and S3 is closed. A pod needs as much, so that nothing is cut. */}}
{{- define "understudy.endingSeconds" -}}
{{- $config := include "understudy.config" . | fromJson }}
{{- add (ceil (addf ($config.drainDelaySeconds | default 0.0) ($config.drainSeconds | default 20.0))) 15 }}
{{- end }}

{{- define "understudy.nodeSelector" -}}
{{- $values := index .root.Values .component }}
{{- $selector := deepCopy ($values.nodeSelector | default dict) }}
{{- if .input }}
{{- with (index $values.split (printf "input%s" .input)).zone }}
{{- $_ := set $selector "topology.kubernetes.io/zone" . }}
{{- end }}
{{- end }}
{{- toYaml $selector }}
{{- end }}

{{- /* The user's affinity, and what keeps two inputs out of one zone: pods of an input never go where one of the other
       input is, and rather go where their own siblings are, so that they do not take up every zone and leave the other
       input none. */}}
{{- define "understudy.affinity" -}}
{{- $values := index .root.Values .component }}
{{- $affinity := deepCopy ($values.affinity | default dict) }}
{{- if .input }}
{{- $other := dict "root" .root "component" .component "input" (ternary "2" "1" (eq .input "1")) }}
{{- $apart := dict "topologyKey" "topology.kubernetes.io/zone" "labelSelector" (dict "matchLabels" (include "understudy.selectorLabels" $other | fromYaml)) }}
{{- $together := dict "weight" 100 "podAffinityTerm" (dict "topologyKey" "topology.kubernetes.io/zone" "labelSelector" (dict "matchLabels" (include "understudy.selectorLabels" . | fromYaml))) }}
{{- $anti := get $affinity "podAntiAffinity" | default dict }}
{{- $_ := set $anti "requiredDuringSchedulingIgnoredDuringExecution" (append (get $anti "requiredDuringSchedulingIgnoredDuringExecution" | default list) $apart) }}
{{- $_ := set $affinity "podAntiAffinity" $anti }}
{{- $pro := get $affinity "podAffinity" | default dict }}
{{- $_ := set $pro "preferredDuringSchedulingIgnoredDuringExecution" (append (get $pro "preferredDuringSchedulingIgnoredDuringExecution" | default list) $together) }}
{{- $_ := set $affinity "podAffinity" $pro }}
{{- end }}
{{- toYaml $affinity }}
{{- end }}

{{- /* Over zones and over nodes. An input that has a deployment of its own stays in as few zones as it can. */}}
{{- define "understudy.topologySpreadConstraints" -}}
{{- $context := . }}
{{- $spread := (index .root.Values .component).topologySpread }}
{{- range $key, $rule := dict "topology.kubernetes.io/zone" (ternary $spread.zone "" (empty .input)) "kubernetes.io/hostname" $spread.hostname }}
{{- if $rule }}
- maxSkew: 1
  topologyKey: {{ $key }}
  whenUnsatisfiable: {{ $rule }}
  labelSelector:
    matchLabels:
      {{- include "understudy.selectorLabels" $context | nindent 6 }}
  # Pods of the revision that is going count for nothing.
  matchLabelKeys: [pod-template-hash]
{{- end }}
{{- end }}
{{- end }}
