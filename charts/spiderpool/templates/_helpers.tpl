{{- /* The value of app.kubernetes.io/name. */ -}}
{{- define "spiderpool.name" -}}
{{- default .Chart.Name .Values.global.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- /* Selector labels of a component: name, instance and component, which an upgrade cannot change. (list . "name") */ -}}
{{- define "spiderpool.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: {{ include "spiderpool.name" $root }}
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 | trunc 63 | trimSuffix "-" }}
{{- end -}}

{{- /* Labels of an object of a component. (list . "name") */ -}}
{{- define "spiderpool.labels" -}}
{{- $root := index . 0 -}}
helm.sh/chart: {{ printf "%s-%s" $root.Chart.Name $root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
{{ include "spiderpool.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
{{- with $root.Values.global.commonLabels }}
{{ tpl (toYaml .) $root }}
{{- end }}
{{- end -}}

{{- /* Annotations of an object: commonAnnotations and others. (list . map) */ -}}
{{- define "spiderpool.annotations" -}}
{{- $root := index . 0 -}}
{{- $all := merge (deepCopy (index . 1)) (deepCopy $root.Values.global.commonAnnotations) -}}
{{- with $all }}
annotations:
  {{- tpl (toYaml .) $root | nindent 2 }}
{{- end }}
{{- end -}}

{{- /* The name of an image: override or registry, repository, digest or tag. (list . image) */ -}}
{{- define "spiderpool.image" -}}
{{- $root := index . 0 -}}
{{- $image := index . 1 -}}
{{- $registry := default $image.registry $root.Values.global.imageRegistryOverride -}}
{{- $name := $image.repository -}}
{{- if $registry }}{{ $name = printf "%s/%s" (trimSuffix "/" $registry) $image.repository }}{{ end -}}
{{- if $image.digest -}}
{{ printf "%s@%s" $name $image.digest }}
{{- else -}}
{{ printf "%s:%s" $name (default $root.Chart.AppVersion $image.tag) }}
{{- end -}}
{{- end -}}

{{- /* Pull secrets of a pod, of its images and of all. (list . image image…) */ -}}
{{- define "spiderpool.pullSecrets" -}}
{{- $root := index . 0 -}}
{{- $all := $root.Values.global.imagePullSecrets | default list -}}
{{- range (rest .) }}{{ $all = concat $all (.imagePullSecrets | default list) }}{{ end -}}
{{- $names := list -}}
{{- range $all }}{{ $names = append $names (ternary . (get (ternary dict . (kindIs "string" .)) "name") (kindIs "string" .)) }}{{ end -}}
{{- with uniq $names }}
imagePullSecrets:
{{- range . }}
  - name: {{ . | quote }}
{{- end }}
{{- end }}
{{- end -}}

{{- /* Environment variables, each name once; of equal names the later wins. (list own extra) */ -}}
{{- define "spiderpool.env" -}}
{{- $names := list -}}
{{- $byName := dict -}}
{{- range . }}{{- range . }}
{{- if not (hasKey $byName .name) }}{{ $names = append $names .name }}{{ end -}}
{{- $_ := set $byName .name . -}}
{{- end }}{{- end -}}
{{- range $names }}
- {{ toYaml (get $byName .) | nindent 2 | trim }}
{{- end }}
{{- end -}}

{{- /* Which address health answers at, and probes ask. */ -}}
{{- define "spiderpool.loopback" -}}
{{- ternary "127.0.0.1" "::1" .Values.ipam.enableIPv4 -}}
{{- end -}}

{{- /* The folder of the agent's socket. */ -}}
{{- define "spiderpool.socketDir" -}}
{{- dir .Values.global.ipamUNIXSocketHostPath -}}
{{- end -}}

{{- /* Name of the default network. An upgrade without the value keeps that of the release: it would change the network of all new pods. */ -}}
{{- define "spiderpool.defaultNetwork" -}}
{{- $name := .Values.multus.multusCNI.defaultCniCRName -}}
{{- if and (not $name) .Release.IsUpgrade -}}
{{- $name = dig "data" "clusterNetwork" "" (lookup "v1" "ConfigMap" .Release.Namespace .Values.global.configName | default dict) -}}
{{- end -}}
{{- $name -}}
{{- end -}}

{{- /* namespace/name of the default network; empty without one. */ -}}
{{- define "spiderpool.clusterNetwork" -}}
{{- with include "spiderpool.defaultNetwork" . }}{{ printf "%s/%s" $.Release.Namespace . }}{{ end -}}
{{- end -}}

{{- /* The Secret where the controller keeps its own certificates. */ -}}
{{- define "spiderpool.ownSecret" -}}
{{- printf "%s-auto" .Values.spiderpoolController.tls.secretName -}}
{{- end -}}

{{- /* True where files give the webhooks' certificate. */ -}}
{{- define "spiderpool.tlsFiles" -}}
{{- if ne .Values.spiderpoolController.tls.method "auto" }}true{{ end -}}
{{- end -}}

{{- /* conf.yml of the ConfigMap. */ -}}
{{- define "spiderpool.conf" -}}
{{- $ipam := .Values.ipam -}}
{{- $controller := .Values.spiderpoolController -}}
{{- $auto := and $ipam.spiderSubnet.enable $ipam.spiderSubnet.autoPool.enable -}}
ipamUnixSocketPath: {{ .Values.global.ipamUNIXSocketHostPath }}
enableIPv4: {{ $ipam.enableIPv4 }}
enableIPv6: {{ $ipam.enableIPv6 }}
enableStatefulSet: {{ $ipam.enableStatefulSet }}
enableKubevirtStaticIP: {{ $ipam.enableKubevirtStaticIP }}
enableSpiderSubnet: {{ $ipam.spiderSubnet.enable }}
enableAutoPoolForApplication: {{ $auto }}
enableIPConflictDetection: {{ $ipam.enableIPConflictDetection }}
enableGatewayDetection: {{ $ipam.enableGatewayDetection }}
enableCleanOutdatedEndpoint: {{ $ipam.enableCleanOutdatedEndpoint }}
enableValidatingResourcesDeletedWebhook: {{ $controller.enableValidatingResourcesDeletedWebhook }}
clusterSubnetDefaultFlexibleIPNumber: {{ ternary $ipam.spiderSubnet.autoPool.defaultRedundantIPNumber 0 $auto }}
clusterSubnetAutoPoolDefaultRedundantIPNumber: {{ ternary $ipam.spiderSubnet.autoPool.defaultRedundantIPNumber 0 $auto }}
tuneSysctlConfig: {{ .Values.spiderpoolAgent.tuneSysctlConfig }}
projectAllocatedIPs: {{ $ipam.projectAllocatedIPs }}
tolerateUnknownClusterCIDR: {{ $ipam.tolerateUnknownClusterCIDR }}
{{- with $ipam.upstreamCNINames }}
upstreamCNINames: {{ toJson . }}
{{- end }}
podResourceInject:
  enabled: {{ $controller.podResourceInject.enabled }}
  namespacesExclude: {{ toJson (uniq (append $controller.podResourceInject.namespacesExclude .Release.Namespace)) }}
  namespacesInclude: {{ toJson $controller.podResourceInject.namespacesInclude }}
{{- end -}}

{{- /* A probe with its counts. (list . path port counts) */ -}}
{{- define "spiderpool.probe" -}}
httpGet:
  host: {{ include "spiderpool.loopback" (index . 0) | quote }}
  path: /v1/runtime/{{ index . 1 }}
  port: {{ index . 2 }}
timeoutSeconds: 5
failureThreshold: {{ (index . 3).failureThreshold }}
periodSeconds: {{ (index . 3).periodSeconds }}
{{- end -}}
