{{- /* Refuses values that contradict each other or that this chart cannot honour, with the path of the value and what to do. */ -}}
{{- define "spiderpool.validate" -}}
{{- $v := .Values -}}
{{- if $v.rdma.rdmaSharedDevicePlugin.install }}{{ fail "rdma.rdmaSharedDevicePlugin.install: this chart does not install the RDMA shared device plugin; install it from its own project (k8s-rdma-shared-dev-plugin) and leave this false" }}{{ end -}}
{{- if $v.sriov.install }}{{ fail "sriov.install: this chart does not install the SR-IOV network operator; install it from its own chart and leave this false" }}{{ end -}}
{{- if $v.iaasNetworkProvider.serverUrl }}{{ fail "iaasNetworkProvider.serverUrl: addresses of an IaaS provider are not supported; leave it empty" }}{{ end -}}
{{- if $v.spiderpoolAgent.networkResourcePlugin.enabled }}{{ fail "spiderpoolAgent.networkResourcePlugin.enabled: there is no device plugin for NICs; leave it false" }}{{ end -}}
{{- if $v.spiderpoolAgent.prometheus.enabledRdmaMetric }}{{ fail "spiderpoolAgent.prometheus.enabledRdmaMetric: there are no RDMA metrics; leave it false, and take node_exporter's infiniband collector" }}{{ end -}}
{{- include "spiderpool.validateNames" . -}}
{{- include "spiderpool.validateNodes" . -}}
{{- if not (or $v.ipam.enableIPv4 $v.ipam.enableIPv6) }}{{ fail "ipam.enableIPv4 and ipam.enableIPv6: both are false, so no pod could get an address; enable one" }}{{ end -}}
{{- if not (hasSuffix ".sock" $v.global.ipamUNIXSocketHostPath) }}{{ fail (printf "global.ipamUNIXSocketHostPath: %s must end in .sock" $v.global.ipamUNIXSocketHostPath) }}{{ end -}}
{{- range $family, $key := dict "IPv4" "ipv4" "IPv6" "ipv6" -}}
{{- if index $v.clusterDefaultPool (printf "install%sIPPool" $family) -}}
{{- if not (index $v.clusterDefaultPool (printf "%sSubnet" $key)) }}{{ fail (printf "clusterDefaultPool.%sSubnet: it is empty, and clusterDefaultPool.install%sIPPool is true; give the CIDR of the pool" $key $family) }}{{ end -}}
{{- if not (compact (index $v.clusterDefaultPool (printf "%sIPRanges" $key))) }}{{ fail (printf "clusterDefaultPool.%sIPRanges: it is empty, and clusterDefaultPool.install%sIPPool is true; give the ranges of the pool" $key $family) }}{{ end -}}
{{- if not (index $v.ipam (printf "enable%s" $family)) }}{{ fail (printf "clusterDefaultPool.install%sIPPool: it is true and ipam.enable%s is false; change one" $family $family) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if and $v.clusterDefaultPool.installIPv4IPPool $v.clusterDefaultPool.installIPv6IPPool (eq $v.clusterDefaultPool.ipv4IPPoolName $v.clusterDefaultPool.ipv6IPPoolName) }}{{ fail "clusterDefaultPool.ipv6IPPoolName: it is that of IPv4; give another" }}{{ end -}}
{{- $plugins := $v.plugins -}}
{{- if and (include "spiderpool.pluginEnv" .) (not (or $plugins.image.tag $plugins.image.digest)) }}{{ fail "plugins.image.tag: it is empty, and a plugins.install… is true; name the tag or the digest of the plugins image" }}{{ end -}}
{{- $tls := $v.spiderpoolController.tls -}}
{{- if eq $tls.method "provided" -}}
{{- range list "tlsCert" "tlsKey" "tlsCa" -}}
{{- if not (index $tls.provided .) }}{{ fail (printf "spiderpoolController.tls.provided.%s: it is empty, and tls.method is provided; give the PEM in base64" .) }}{{ end -}}
{{- if not (contains "-----BEGIN" (b64dec (index $tls.provided .))) }}{{ fail (printf "spiderpoolController.tls.provided.%s: it is no PEM in base64" .) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- range $component, $values := dict "spiderpoolAgent" $v.spiderpoolAgent "spiderpoolController" $v.spiderpoolController -}}
{{- range list "serviceMonitor" "prometheusRule" -}}
{{- if and (index $values.prometheus .).install (not $values.prometheus.enabled) }}{{ fail (printf "%s.prometheus.%s.install: it is true and %s.prometheus.enabled is false, so there is nothing to scrape; enable it" $component . $component) }}{{ end -}}
{{- end -}}
{{- end -}}
{{- if and $v.spiderpoolController.podDisruptionBudget.enabled (eq (int $v.spiderpoolController.replicas) 1) }}{{ fail "spiderpoolController.podDisruptionBudget.enabled: with spiderpoolController.replicas 1 it would block every drain of the node; take 2 replicas" }}{{ end -}}
{{- $ports := list $v.spiderpoolAgent.httpPort $v.spiderpoolAgent.prometheus.port $v.spiderpoolController.httpPort $v.spiderpoolController.prometheus.port $v.spiderpoolController.webhookPort -}}
{{- if ne (len $ports) (len (uniq $ports)) }}{{ fail "httpPort, webhookPort and prometheus.port of spiderpoolAgent and spiderpoolController: two are equal; all are ports of the node, so each must differ" }}{{ end -}}
{{- end -}}

{{- /* Environment of the container that installs other projects' executables; empty where it installs none. */ -}}
{{- define "spiderpool.pluginEnv" -}}
{{- range $value, $name := dict "installCNI" "INSTALL_CNI_PLUGINS" "installRdmaCNI" "INSTALL_RDMA_PLUGIN" "installOvsCNI" "INSTALL_OVS_PLUGIN" "installSriovCNI" "INSTALL_SRIOV_PLUGIN" "installibSriovCNI" "INSTALL_IB_SRIOV_PLUGIN" "installIpoibCNI" "INSTALL_IPOIB_PLUGIN" "installVlanCNI" "INSTALL_VLAN_PLUGIN" }}
{{- if index $.Values.plugins $value }}
- { name: {{ $name }}, value: 'true' }
{{- end }}
{{- end }}
{{- end -}}

{{- /* Values that documents name and that no Spiderpool chart has; the schema lets them in. */ -}}
{{- define "spiderpool.validateNames" -}}
{{- $values := .Values -}}
{{- range $path, $instead := dict
  "global.tuneSysctlConfig" "spiderpoolAgent.tuneSysctlConfig"
  "feature" "ipam.enableIPv4 and its siblings"
  "ipam.enableSpiderSubnet" "ipam.spiderSubnet.enable"
  "ipam.subnetDefaultFlexibleIPNumber" "ipam.spiderSubnet.autoPool.defaultRedundantIPNumber"
  "multus.uninstall" "multus.multusCNI.uninstall"
  "spiderpoolController.enablePodNetworkResourceInject" "spiderpoolController.podResourceInject.enabled"
  "spiderpoolController.cleanup.enabled" "spiderpoolController.cleanup.enable"
  "spiderpoolAgent.prometheus.grafanaDashboard" "grafanaDashboard.install"
-}}
{{- $node := $values -}}
{{- range splitList "." $path -}}
{{- if kindIs "map" $node }}{{ $node = get $node . }}{{ else }}{{ $node = "" }}{{ end -}}
{{- end -}}
{{- if not (and (kindIs "string" $node) (eq (toString $node) "")) }}{{ fail (printf "%s: there is no such value; set %s" $path $instead) }}{{ end -}}
{{- end -}}
{{- end -}}

{{- /* More replicas than nodes, where Helm sees a cluster: their ports are the nodes', so each needs its own. */ -}}
{{- define "spiderpool.validateNodes" -}}
{{- $c := .Values.spiderpoolController -}}
{{- if and $c.hostnetwork (gt (int $c.replicas) 1) -}}
{{- $nodes := len (dig "items" list (lookup "v1" "Node" "" "" | default dict)) -}}
{{- if and (gt $nodes 0) (lt $nodes (int $c.replicas)) }}{{ fail (printf "spiderpoolController.replicas: %d of them need as many nodes, since spiderpoolController.hostnetwork is true, and the cluster has %d; take fewer" (int $c.replicas) $nodes) }}{{ end -}}
{{- end -}}
{{- end -}}
