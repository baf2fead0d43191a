{{- define "imagebot.name" -}}
{{- if contains "imagebot" .Release.Name }}{{ .Release.Name | trunc 52 | trimSuffix "-" }}{{ else }}{{ printf "%s-imagebot" .Release.Name | trunc 52 | trimSuffix "-" }}{{ end }}
{{- end }}

{{- define "imagebot.labels" -}}
app.kubernetes.io/name: imagebot
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "imagebot.claim" -}}
{{ .Values.cache.existingClaim | default (printf "%s-cache" (include "imagebot.name" .)) }}
{{- end }}

{{- define "imagebot.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ with .Values.image.digest }}@{{ . }}{{ end }}
{{- end }}
