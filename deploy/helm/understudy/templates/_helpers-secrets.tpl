{{- /*
Secrets that are made once and kept: what the cluster has is used again, so that an upgrade changes nothing. Where nobody
can ask the cluster (helm template, a dry run of the client, Argo CD) every rendering has new ones: name existing secrets
there.
*/}}

{{- /* One value of a secret as the cluster has it; empty where it has none. Takes a dict of root, name (of the secret), key. */}}
{{- define "understudy.generated.held" -}}
{{- $found := lookup "v1" "Secret" .root.Release.Namespace .name | default dict }}
{{- get ($found.data | default dict) .key | default "" | b64dec }}
{{- end }}

{{- /* The same, or a new one of letters and digits that begins with a letter: for whatever reads it as a number if it can.
       Takes a `length` besides. However often it is asked for in one rendering, it is the same. */}}
{{- define "understudy.generated.text" -}}
{{- $made := get .root.Values "generated" | default dict }}
{{- $path := printf "%s/%s" .name .key }}
{{- if not (hasKey $made $path) }}
{{- $new := printf "%s%s" (randAlpha 1) (randAlphaNum (sub (int .length) 1 | int)) }}
{{- $_ := set $made $path (include "understudy.generated.held" . | default $new) }}
{{- $_ := set .root.Values "generated" $made }}
{{- end }}
{{- get $made $path }}
{{- end }}

{{- /* Secrets outlive the release where its data does. With evaluation.enabled both go. */}}
{{- define "understudy.secrets.annotations" -}}
{{- if not .Values.evaluation.enabled }}
annotations:
  helm.sh/resource-policy: keep
{{- end }}
{{- end }}
