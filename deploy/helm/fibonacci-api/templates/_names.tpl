{{- define "fibonacci-api.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" }}
{{- end }}

{{/*
The name of nearly everything. Ten characters are left for suffixes, because names of Services end at 63.
*/}}
{{- define "fibonacci-api.fullname" -}}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- $name := default .Chart.Name .Values.nameOverride }}
{{- if contains $name .Release.Name }}
{{- .Release.Name | trunc 53 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 53 | trimSuffix "-" }}
{{- end }}
{{- end }}
{{- end }}

{{- define "fibonacci-api.serviceAccountName" -}}
{{- if .Values.serviceAccount.create }}
{{- default (include "fibonacci-api.fullname" .) .Values.serviceAccount.name }}
{{- else }}
{{- default "default" .Values.serviceAccount.name }}
{{- end }}
{{- end }}

{{/*
Selectors cannot be changed once they are there: these two labels and no others.
*/}}
{{- define "fibonacci-api.selectorLabels" -}}
app.kubernetes.io/name: {{ include "fibonacci-api.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fibonacci-api.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "fibonacci-api.selectorLabels" . }}
app.kubernetes.io/version: {{ .Values.image.tag | default .Chart.AppVersion | trunc 63 | trimAll "-_." | quote }}
app.kubernetes.io/part-of: fibonacci-api
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{/*
The pod of `helm test` must not be one of the pods that it tests.
*/}}
{{- define "fibonacci-api.testLabels" -}}
app.kubernetes.io/name: {{ printf "%s-test" (include "fibonacci-api.name" . | trunc 58 | trimSuffix "-") }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "fibonacci-api.image" -}}
{{- .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}

{{/*
A number as a person writes it: numbers of a values file are floating-point, and 67108864 would become 6.7108864e+07.
*/}}
{{- define "fibonacci-api.scalar" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/*
The port of a URL. Call with a dict of url and default.
*/}}
{{- define "fibonacci-api.port" -}}
{{- $port := regexFind ":[0-9]+$" (urlParse .url).host | trimPrefix ":" }}
{{- $port | default .default }}
{{- end }}

{{/*
What ends a pod in order: the drain, what is in flight, and the last spans, which take three seconds at most.
*/}}
{{- define "fibonacci-api.gracePeriod" -}}
{{- add (int .Values.shutdown.drainSeconds) (int .Values.shutdown.timeoutSeconds) 5 }}
{{- end }}

{{- define "fibonacci-api.isRollout" -}}
{{- if eq .Values.workload.kind "Rollout" }}true{{ end }}
{{- end }}

{{- define "fibonacci-api.isRoutedByWeight" -}}
{{- if and (include "fibonacci-api.isRollout" .) .Values.rollout.trafficRouting }}true{{ end }}
{{- end }}

{{/*
The workload, for the autoscaler.
*/}}
{{- define "fibonacci-api.workloadReference" -}}
apiVersion: {{ ternary "argoproj.io/v1alpha1" "apps/v1" (eq .Values.workload.kind "Rollout") }}
kind: {{ .Values.workload.kind }}
name: {{ include "fibonacci-api.fullname" . }}
{{- end }}
