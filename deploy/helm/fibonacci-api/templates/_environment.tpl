{{/*
Settings stand in the pod's template itself, not in a ConfigMap beside it: so each revision keeps its own, and whatever goes back to an
older one (`kubectl rollout undo`, an aborted canary) goes back to its settings, too.
*/}}
{{- define "fibonacci-api.environment" -}}
{{- $files := "/run/secrets/fibonacci-api" }}
- name: PORT
  value: '8000'
- name: ADMIN_PORT
  value: '9464'
- name: SHUTDOWN_DRAIN_SECONDS
  value: {{ include "fibonacci-api.scalar" .Values.shutdown.drainSeconds | quote }}
- name: SHUTDOWN_TIMEOUT_SECONDS
  value: {{ include "fibonacci-api.scalar" .Values.shutdown.timeoutSeconds | quote }}
- name: RATE_LIMIT_BUDGET
  value: {{ include "fibonacci-api.scalar" .Values.rateLimit.budget | quote }}
- name: RATE_LIMIT_WINDOW_SECONDS
  value: {{ include "fibonacci-api.scalar" .Values.rateLimit.windowSeconds | quote }}
{{- with .Values.rateLimit.trustedProxies }}
- name: TRUSTED_PROXIES
  value: {{ join "," . | quote }}
{{- end }}
{{- with .Values.redis }}
{{- if .url }}
- name: REDIS_URL
  value: {{ .url | quote }}
- name: REDIS_CLUSTER
  value: {{ .cluster | quote }}
{{- end }}
{{- if .existingSecret }}
- name: REDIS_PASSWORD_FILE
  value: {{ $files }}/redis-cache/password
{{- end }}
{{- with .tls }}
{{- if or .caSecret .caConfigMap .ca }}
- name: REDIS_CA_FILE
  value: {{ $files }}/redis-ca/ca.crt
{{- end }}
{{- if .certificateSecret }}
- name: REDIS_CLIENT_CERTIFICATE_FILE
  value: {{ $files }}/redis-certificate/tls.crt
- name: REDIS_CLIENT_KEY_FILE
  value: {{ $files }}/redis-certificate/tls.key
{{- end }}
{{- end }}
{{- end }}
{{- with .Values.rateLimit.redis }}
{{- if .url }}
- name: RATE_LIMIT_REDIS_URL
  value: {{ .url | quote }}
- name: RATE_LIMIT_REDIS_CLUSTER
  value: {{ .cluster | quote }}
{{- end }}
{{- if .existingSecret }}
- name: RATE_LIMIT_REDIS_PASSWORD_FILE
  value: {{ $files }}/redis-limiter/password
{{- end }}
{{- end }}
{{- if not (hasKey .Values.config "COMPUTE_THREADS") }}
# The processors that a process sees are the node's: as many threads as the limit allows, rounded up.
- name: COMPUTE_THREADS
  valueFrom:
    resourceFieldRef:
      resource: limits.cpu
      divisor: '1'
{{- end }}
{{- range $name, $value := .Values.config }}
- name: {{ $name }}
  value: {{ include "fibonacci-api.scalar" $value | quote }}
{{- end }}
{{- end }}

{{/*
Secrets are files: an environment is shown by too many tools. They are read at the start of the process.
*/}}
{{- define "fibonacci-api.volumes" -}}
{{- with .Values.redis.existingSecret }}
- name: redis-cache
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: {{ $.Values.redis.existingSecretKey }}
        path: password
{{- end }}
{{- with .Values.rateLimit.redis.existingSecret }}
- name: redis-limiter
  secret:
    secretName: {{ . }}
    defaultMode: 0440
    items:
      - key: {{ $.Values.rateLimit.redis.existingSecretKey }}
        path: password
{{- end }}
{{- with .Values.redis.tls }}
{{- if .caSecret }}
- name: redis-ca
  secret:
    secretName: {{ .caSecret }}
    defaultMode: 0440
    items:
      - key: {{ .caKey }}
        path: ca.crt
{{- else if or .caConfigMap .ca }}
- name: redis-ca
  configMap:
    name: {{ .caConfigMap | default (printf "%s-redis-ca" (include "fibonacci-api.fullname" $)) }}
    defaultMode: 0440
    items:
      - key: {{ empty .caConfigMap | ternary "ca.crt" .caKey }}
        path: ca.crt
{{- end }}
{{- if .certificateSecret }}
- name: redis-certificate
  secret:
    secretName: {{ .certificateSecret }}
    defaultMode: 0440
    items:
      - key: tls.crt
        path: tls.crt
      - key: tls.key
        path: tls.key
{{- end }}
{{- end }}
{{- with .Values.volumes }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{- define "fibonacci-api.volumeMounts" -}}
{{- range list "redis-cache" "redis-limiter" "redis-ca" "redis-certificate" }}
{{- if contains (printf "name: %s\n" .) (include "fibonacci-api.volumes" $) }}
- name: {{ . }}
  mountPath: /run/secrets/fibonacci-api/{{ . }}
  readOnly: true
{{- end }}
{{- end }}
{{- with .Values.volumeMounts }}
{{ toYaml . }}
{{- end }}
{{- end }}
