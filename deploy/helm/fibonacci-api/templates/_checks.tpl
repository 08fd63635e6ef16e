{{/*
What the schema cannot say: values that contradict each other. Each message names the value, what is wrong and what to do.
*/}}
{{- define "fibonacci-api.checks" -}}
{{- $own := dict
  "PORT" "the pods' ports do not change: set service.port"
  "ADMIN_PORT" "the pods' ports do not change"
  "REDIS_URL" "set redis.url"
  "REDIS_CLUSTER" "set redis.cluster"
  "REDIS_PASSWORD_FILE" "set redis.existingSecret"
  "REDIS_CA_FILE" "set redis.tls.caSecret, redis.tls.caConfigMap or redis.tls.ca"
  "REDIS_CLIENT_CERTIFICATE_FILE" "set redis.tls.certificateSecret"
  "REDIS_CLIENT_KEY_FILE" "set redis.tls.certificateSecret"
  "RATE_LIMIT_BUDGET" "set rateLimit.budget"
  "RATE_LIMIT_WINDOW_SECONDS" "set rateLimit.windowSeconds"
  "TRUSTED_PROXIES" "set rateLimit.trustedProxies"
  "RATE_LIMIT_REDIS_URL" "set rateLimit.redis.url"
  "RATE_LIMIT_REDIS_CLUSTER" "set rateLimit.redis.cluster"
  "RATE_LIMIT_REDIS_PASSWORD_FILE" "set rateLimit.redis.existingSecret"
  "SHUTDOWN_DRAIN_SECONDS" "set shutdown.drainSeconds"
  "SHUTDOWN_TIMEOUT_SECONDS" "set shutdown.timeoutSeconds"
  "OTEL_EXPORTER_OTLP_HEADERS" "it may hold keys: set it in extraEnv, from a Secret"
  "OTEL_EXPORTER_OTLP_TRACES_HEADERS" "it may hold keys: set it in extraEnv, from a Secret"
}}
{{- range $name, $_ := .Values.config }}
{{- with get $own $name }}{{ fail (printf "config.%s is refused: %s" $name .) }}{{ end }}
{{- end }}

{{- $fullname := include "fibonacci-api.fullname" . }}
{{- if not (regexMatch "^[a-z]([-a-z0-9]*[a-z0-9])?$" $fullname) }}
{{- fail (printf "%s cannot be the name of a Service, which begins with a letter and has no dots: set fullnameOverride" $fullname) }}
{{- end }}

{{- range $name, $_ := include "fibonacci-api.labels" . | fromYaml }}
{{- if hasKey ($.Values.podLabels | default dict) $name }}{{ fail (printf "podLabels.%s is refused: the chart sets it" $name) }}{{ end }}
{{- end }}
{{- if hasKey (.Values.podAnnotations | default dict) "checksum/config" }}{{ fail "podAnnotations.checksum/config is refused: the chart sets it" }}{{ end }}

{{- range .Values.volumes }}
{{- if has .name (list "redis-cache" "redis-limiter" "redis-ca" "redis-certificate") }}{{ fail (printf "volumes has %s, which is the name of a volume of the chart: choose another" .name) }}{{ end }}
{{- end }}

{{- $set := dict }}
{{- range include "fibonacci-api.environment" . | fromYamlArray }}{{ $_ := set $set .name true }}{{ end }}
{{- range .Values.extraEnv }}
{{- if hasKey $set .name }}{{ fail (printf "extraEnv has %s, which is set already, by the chart's values, by config, or twice" .name) }}{{ end }}
{{- $_ := set $set .name true }}
{{- end }}

{{- range $path, $redis := dict "redis" .Values.redis "rateLimit.redis" .Values.rateLimit.redis }}
{{- if $redis.url }}
{{- if contains ":" ((urlParse $redis.url).userinfo | default "") }}
{{- fail (printf "%s.url holds a password: put it into a Secret and name that in %s.existingSecret" $path $path) }}
{{- end }}
{{- else if or $redis.existingSecret $redis.cluster }}
{{- fail (printf "%s.existingSecret and %s.cluster belong to %s.url, which is empty" $path $path $path) }}
{{- end }}
{{- end }}

{{- $tls := .Values.redis.tls }}
{{- if gt (len (compact (list $tls.caSecret $tls.caConfigMap $tls.ca))) 1 }}
{{- fail "redis.tls.caSecret, redis.tls.caConfigMap and redis.tls.ca exclude each other: set one" }}
{{- end }}
{{- if and (or $tls.caSecret $tls.caConfigMap $tls.ca $tls.certificateSecret) (not (or (hasPrefix "rediss:" (.Values.redis.url | default "")) (hasPrefix "rediss:" (.Values.rateLimit.redis.url | default "")))) }}
{{- fail "redis.tls is set, but neither redis.url nor rateLimit.redis.url begins with rediss://" }}
{{- end }}

{{- $budget := int64 .Values.rateLimit.budget }}
{{- $largest := hasKey .Values.config "FIB_MAX_N" | ternary (get .Values.config "FIB_MAX_N") 10000000 | float64 }}
{{- $cost := include "fibonacci-api.cost" $largest | int64 }}
{{- if and (gt $budget 0) (lt $budget $cost) }}
{{- fail (printf "rateLimit.budget is %d, but F(%.0f) costs %d and would never be admitted: raise it, or lower config.FIB_MAX_N" $budget $largest $cost) }}
{{- end }}

{{- if lt (int .Values.shutdown.timeoutSeconds) (int (get .Values.config "HTTP_WRITE_TIMEOUT_SECONDS" | default 30)) }}
{{- fail "shutdown.timeoutSeconds is less than HTTP_WRITE_TIMEOUT_SECONDS: answers that clients still read would be cut off. Raise it, or lower config.HTTP_WRITE_TIMEOUT_SECONDS" }}
{{- end }}

{{- if and .Values.serviceMonitor.enabled (eq (get .Values.config "OTEL_METRICS_EXPORTER") "none") }}
{{- fail "serviceMonitor.enabled has nothing to scrape: config.OTEL_METRICS_EXPORTER is none" }}
{{- end }}

{{- if and .Values.autoscaling.enabled (gt (int .Values.autoscaling.minReplicas) (int .Values.autoscaling.maxReplicas)) }}
{{- fail "autoscaling.minReplicas is more than autoscaling.maxReplicas" }}
{{- end }}
{{- if and .Values.autoscaling.enabled (not (or .Values.autoscaling.targetCPUUtilizationPercentage .Values.autoscaling.activeRequests.enabled .Values.autoscaling.latency.enabled)) }}
{{- fail "autoscaling.enabled needs a metric: set targetCPUUtilizationPercentage, activeRequests.enabled or latency.enabled" }}
{{- end }}
{{- if and .Values.autoscaling.enabled .Values.autoscaling.targetCPUUtilizationPercentage (not (dig "requests" "cpu" "" (.Values.resources | default dict))) }}
{{- fail "autoscaling.targetCPUUtilizationPercentage is in percent of resources.requests.cpu, which is not set" }}
{{- end }}
{{- end }}

{{/*
The tokens that F(n) costs: 1 + ⌊digits / 10,000⌋, and F(n) has ⌊n · log₁₀ φ − log₁₀ √5⌋ + 1 digits.
*/}}
{{- define "fibonacci-api.cost" -}}
{{- $digits := subf (mulf . 0.20898764024997873) 0.3494850021680094 | floor | int64 | add 1 | max 1 }}
{{- add 1 (div $digits 10000) }}
{{- end }}
