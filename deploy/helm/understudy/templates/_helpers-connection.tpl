{{- /*
How services show NATS and S3 who they are, and whom they believe. Secrets are mounted as folders, never as single
files: so what is exchanged in a secret reaches the pods that run, and NATS's is read again at each connect.
*/}}

{{- define "understudy.connection.env" -}}
{{- $auth := .root.Values.nats.auth }}
{{- $keys := $auth.existingSecretKeys }}
{{- if eq $auth.type "credentials" }}
- name: UNDERSTUDY_NATS_CREDENTIALS_FILE
  value: /etc/understudy/nats-credentials/{{ $keys.credentials }}
{{- else if eq $auth.type "password" }}
{{ include "understudy.secretEnv" (list "UNDERSTUDY_NATS_USER" $auth.existingSecret $keys.user) }}
{{ include "understudy.secretEnv" (list "UNDERSTUDY_NATS_PASSWORD" $auth.existingSecret $keys.password) }}
{{- else if eq $auth.type "token" }}
{{ include "understudy.secretEnv" (list "UNDERSTUDY_NATS_TOKEN" $auth.existingSecret $keys.token) }}
{{- end }}
{{- with .root.Values.nats.tls }}
{{- if .caSecret }}
- name: UNDERSTUDY_NATS_TLS_CA_FILE
  value: /etc/understudy/nats-ca/{{ .caSecretKey }}
{{- end }}
{{- if .clientSecret }}
- name: UNDERSTUDY_NATS_TLS_CERTIFICATE_FILE
  value: /etc/understudy/nats-client/tls.crt
- name: UNDERSTUDY_NATS_TLS_KEY_FILE
  value: /etc/understudy/nats-client/tls.key
{{- end }}
{{- if .serverName }}
- name: UNDERSTUDY_NATS_TLS_SERVER_NAME
  value: {{ .serverName }}
{{- end }}
{{- end }}
{{- with .root.Values.s3.tls }}
{{- if .caSecret }}
- name: UNDERSTUDY_S3_TLS_CA_FILE
  value: /etc/understudy/s3-ca/{{ .caSecretKey }}
{{- end }}
{{- end }}
{{- end }}

{{- /* A variable from a secret. Takes a list of its name, the secret and the key. */}}
{{- define "understudy.secretEnv" -}}
- name: {{ index . 0 }}
  valueFrom:
    secretKeyRef:
      name: {{ index . 1 }}
      key: {{ index . 2 }}
{{- end }}

{{- /* What is mounted for it: a dict from a volume's name to its secret and the keys that are needed of that. As JSON. */}}
{{- define "understudy.connection.secrets" -}}
{{- $nats := .root.Values.nats }}
{{- $s3 := .root.Values.s3 }}
{{- $secrets := dict }}
{{- if eq $nats.auth.type "credentials" }}
{{- $_ := set $secrets "nats-credentials" (dict "secret" $nats.auth.existingSecret "keys" (list $nats.auth.existingSecretKeys.credentials)) }}
{{- end }}
{{- if $nats.tls.caSecret }}
{{- $_ := set $secrets "nats-ca" (dict "secret" $nats.tls.caSecret "keys" (list $nats.tls.caSecretKey)) }}
{{- end }}
{{- if $nats.tls.clientSecret }}
{{- $_ := set $secrets "nats-client" (dict "secret" $nats.tls.clientSecret "keys" (list "tls.crt" "tls.key")) }}
{{- end }}
{{- if $s3.tls.caSecret }}
{{- $_ := set $secrets "s3-ca" (dict "secret" $s3.tls.caSecret "keys" (list $s3.tls.caSecretKey)) }}
{{- end }}
{{- toJson $secrets }}
{{- end }}

{{- define "understudy.connection.volumes" -}}
{{- range $name, $from := include "understudy.connection.secrets" . | fromJson }}
- name: {{ $name }}
  secret:
    secretName: {{ $from.secret }}
    items:
      {{- range $from.keys }}
      - key: {{ . }}
        path: {{ . }}
      {{- end }}
{{- end }}
{{- end }}

{{- define "understudy.connection.volumeMounts" -}}
{{- range $name, $_ := include "understudy.connection.secrets" . | fromJson }}
- name: {{ $name }}
  mountPath: /etc/understudy/{{ $name }}
  readOnly: true
{{- end }}
{{- end }}
