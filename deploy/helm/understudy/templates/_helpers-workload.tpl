{{- /* The objects that every component has, each taking a component's context (_helpers-names.tpl). */}}

{{- define "understudy.deployment" -}}
{{- $values := index .root.Values .component -}}
apiVersion: apps/v1
kind: Deployment
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
spec:
  {{- if not (dig "autoscaling" "enabled" false $values) }}
  replicas: {{ include "understudy.replicas" . }}
  {{- end }}
  revisionHistoryLimit: {{ .root.Values.revisionHistoryLimit }}
  # A new pod first, then an old one goes: there are never fewer than there should be.
  strategy:
    type: RollingUpdate
    rollingUpdate:
      maxUnavailable: 0
      maxSurge: 1
  minReadySeconds: {{ $values.minReadySeconds }}
  selector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
  template:
    {{- include "understudy.pod" . | nindent 4 }}
{{- end }}

{{- define "understudy.replicas" -}}
{{- $values := index .root.Values .component }}
{{- if kindIs "invalid" $values.replicas }}2{{ else }}{{ int $values.replicas }}{{ end }}
{{- end }}

{{- define "understudy.service" -}}
{{- $service := (index .root.Values .component).service -}}
apiVersion: v1
kind: Service
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
  {{- with merge (dict) (.annotations | default dict) $service.annotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
spec:
  type: {{ .type | default $service.type }}
  {{- if eq (.type | default $service.type) "LoadBalancer" }}
  {{- with $service.loadBalancerClass }}
  loadBalancerClass: {{ . }}
  {{- end }}
  {{- with $service.loadBalancerSourceRanges }}
  loadBalancerSourceRanges:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- end }}
  {{- if and $service.externalTrafficPolicy (ne (.type | default $service.type) "ClusterIP") }}
  externalTrafficPolicy: {{ $service.externalTrafficPolicy }}
  {{- end }}
  selector:
    {{- include "understudy.selectorLabels" . | nindent 4 }}
  ports:
    - name: http
      port: {{ $service.port }}
      targetPort: http
      protocol: TCP
      appProtocol: http
{{- end }}

{{- define "understudy.serviceaccount" -}}
{{- $account := (index .root.Values .component).serviceAccount -}}
apiVersion: v1
kind: ServiceAccount
metadata:
  name: {{ include "understudy.serviceAccountName" . }}
  namespace: {{ .root.Release.Namespace | quote }}
  labels:
    {{- include "understudy.labels" . | nindent 4 }}
  {{- with merge (dict) $account.annotations .root.Values.s3.serviceAccountAnnotations }}
  annotations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
automountServiceAccountToken: false
{{- end }}

{{- define "understudy.pdb" -}}
{{- $pdb := (index .root.Values .component).pdb -}}
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
spec:
  {{- if kindIs "invalid" $pdb.minAvailable }}
  maxUnavailable: {{ $pdb.maxUnavailable }}
  {{- else }}
  minAvailable: {{ $pdb.minAvailable }}
  {{- end }}
  # A pod that does not work is no reason to keep a node from being drained.
  unhealthyPodEvictionPolicy: AlwaysAllow
  selector:
    matchLabels:
      {{- include "understudy.selectorLabels" . | nindent 6 }}
{{- end }}

{{- define "understudy.hpa" -}}
{{- $autoscaling := (index .root.Values .component).autoscaling -}}
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata:
  {{- include "understudy.metadata" . | nindent 2 }}
spec:
  scaleTargetRef:
    apiVersion: apps/v1
    kind: Deployment
    name: {{ include "understudy.component.name" . }}
  minReplicas: {{ $autoscaling.minReplicas }}
  maxReplicas: {{ $autoscaling.maxReplicas }}
  metrics:
    - type: Resource
      resource:
        name: cpu
        target:
          type: Utilization
          averageUtilization: {{ $autoscaling.targetCPUUtilizationPercentage }}
  behavior:
    # Up at once, down slowly: connections stay where they are, and each pod that goes has to drain.
    scaleDown:
      stabilizationWindowSeconds: {{ $autoscaling.scaleDownStabilizationSeconds }}
      policies:
        - type: Pods
          value: 1
          periodSeconds: 60
{{- end }}
