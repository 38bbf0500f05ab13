// The built-in types of the core group, one line per type; parsed by builtin-types.ts.
//   name:T one     name!:T required   name[]:T atomic list   name[k]:T list of type map with key k
//   name[=]:T set  name{}:T map       T=x default

export const CORE: Readonly<Record<string, string>> = {
  Namespace: 'spec:NamespaceSpec status:NamespaceStatus',
  NamespaceSpec: 'finalizers[]:string',
  NamespaceStatus: 'conditions[type]:PlainCondition phase:string',
  Node: 'spec:NodeSpec status:NodeStatus',
  NodeSpec:
    'configSource:object externalID:string podCIDR:string podCIDRs[=]:string providerID:string taints[]:Taint unschedulable:bool',
  NodeStatus:
    'addresses[type]:NodeAddress allocatable{}:quantity capacity{}:quantity conditions[type]:NodeCondition config:object daemonEndpoints:object declaredFeatures[]:string features:object images[]:object nodeInfo:NodeSystemInfo phase:string runtimeHandlers[]:object volumesAttached[name]:object volumesInUse[]:string',
  NodeAddress: 'address!:string type!:string',
  NodeCondition:
    'lastHeartbeatTime:time lastTransitionTime:time message:string reason:string status!:string type!:string',
  NodeSystemInfo:
    'architecture!:string bootID!:string containerRuntimeVersion!:string kernelVersion!:string kubeProxyVersion:string kubeletVersion!:string machineID!:string operatingSystem!:string osImage!:string swap:object systemUUID!:string',
  Taint: 'effect!:string key!:string timeAdded:time value:string',
  ConfigMap: 'binaryData{}:string data{}:string immutable:bool',
  Secret: 'data{}:string immutable:bool stringData{}:string type:string',
  ServiceAccount:
    'automountServiceAccountToken:bool imagePullSecrets[]:LocalObjectReference secrets[name]:ObjectReference',
  LocalObjectReference: 'name:string',
  ObjectReference:
    'apiVersion:string fieldPath:string kind:string name:string namespace:string resourceVersion:string uid:string',
  Event:
    'action:string count:int eventTime:time firstTimestamp:time involvedObject!:ObjectReference lastTimestamp:time message:string reason:string related:ObjectReference reportingComponent:string reportingInstance:string series:object source:EventSource type:string',
  EventSource: 'component:string host:string',
  Endpoints: 'subsets[]:EndpointSubset',
  EndpointSubset: 'addresses[]:EndpointAddress notReadyAddresses[]:EndpointAddress ports[]:CoreEndpointPort',
  EndpointAddress: 'hostname:string ip!:string nodeName:string targetRef:ObjectReference',
  CoreEndpointPort: 'appProtocol:string name:string port!:int protocol:string',
  Service: 'spec:ServiceSpec status:ServiceStatus',
  ServiceSpec:
    'allocateLoadBalancerNodePorts:bool clusterIP:string clusterIPs[]:string externalIPs[]:string externalName:string externalTrafficPolicy:string healthCheckNodePort:int internalTrafficPolicy:string ipFamilies[]:string ipFamilyPolicy:string loadBalancerClass:string loadBalancerIP:string loadBalancerSourceRanges[]:string ports[port,protocol]:ServicePort publishNotReadyAddresses:bool selector{}:string sessionAffinity:string sessionAffinityConfig:object topologyKeys[]:string trafficDistribution:string type:string',
  ServicePort: 'appProtocol:string name:string nodePort:int port!:int protocol:string=TCP targetPort:intOrString',
  ServiceStatus: 'conditions[type]:PlainCondition loadBalancer:object',
  PlainCondition:
    'lastProbeTime:time lastTransitionTime:time message:string observedGeneration:int reason:string status!:string type!:string',
  Pod: 'spec:PodSpec status:PodStatus',
  PodTemplateSpec: 'metadata:ObjectMeta spec:PodSpec',
  PodSpec:
    'activeDeadlineSeconds:int affinity:Affinity automountServiceAccountToken:bool containers![name]:Container dnsConfig:PodDNSConfig dnsPolicy:string enableServiceLinks:bool ephemeralContainers[name]:Container hostAliases[ip]:HostAlias hostIPC:bool hostNetwork:bool hostPID:bool hostUsers:bool hostname:string hostnameOverride:string imagePullSecrets[name]:LocalObjectReference initContainers[name]:Container nodeName:string nodeSelector{}:string os:object overhead{}:quantity preemptionPolicy:string priority:int priorityClassName:string readinessGates[]:object resourceClaims[name]:object resources:ResourceRequirements restartPolicy:string runtimeClassName:string schedulerName:string schedulingGates[name]:object schedulingGroup:object securityContext:PodSecurityContext serviceAccount:string serviceAccountName:string setHostnameAsFQDN:bool shareProcessNamespace:bool subdomain:string terminationGracePeriodSeconds:int tolerations[]:Toleration topologySpreadConstraints[topologyKey,whenUnsatisfiable]:TopologySpreadConstraint volumes[name]:Volume workloadRef:object',
  Affinity: 'nodeAffinity:object podAffinity:object podAntiAffinity:object',
  PodDNSConfig: 'nameservers[]:string options[]:object searches[]:string',
  HostAlias: 'hostnames[]:string ip!:string',
  Toleration: 'effect:string key:string operator:string tolerationSeconds:int value:string',
  TopologySpreadConstraint:
    'labelSelector:LabelSelector matchLabelKeys[]:string maxSkew!:int minDomains:int nodeAffinityPolicy:string nodeTaintsPolicy:string topologyKey!:string whenUnsatisfiable!:string',
  PodSecurityContext:
    'appArmorProfile:object fsGroup:int fsGroupChangePolicy:string runAsGroup:int runAsNonRoot:bool runAsUser:int seLinuxChangePolicy:string seLinuxOptions:object seccompProfile:object supplementalGroups[]:int supplementalGroupsPolicy:string sysctls[]:object windowsOptions:object',
  Container:
    'args[]:string command[]:string env[name]:EnvVar envFrom[]:object image:string imagePullPolicy:string lifecycle:Lifecycle livenessProbe:Probe name!:string ports[containerPort,protocol]:ContainerPort readinessProbe:Probe resizePolicy[]:object resources:ResourceRequirements restartPolicy:string restartPolicyRules[]:object securityContext:SecurityContext startupProbe:Probe stdin:bool stdinOnce:bool targetContainerName:string terminationMessagePath:string terminationMessagePolicy:string tty:bool volumeDevices[devicePath]:VolumeDevice volumeMounts[mountPath]:VolumeMount workingDir:string',
  EnvVar: 'name!:string value:string valueFrom:object',
  ContainerPort: 'containerPort!:int hostIP:string hostPort:int name:string protocol:string=TCP',
  Lifecycle: 'postStart:Handler preStop:Handler stopSignal:string',
  Handler: 'exec:object httpGet:object sleep:object tcpSocket:object',
  Probe:
    'exec:object failureThreshold:int grpc:object httpGet:object initialDelaySeconds:int periodSeconds:int successThreshold:int tcpSocket:object terminationGracePeriodSeconds:int timeoutSeconds:int',
  ResourceRequirements: 'claims[name]:object limits{}:quantity requests{}:quantity',
  SecurityContext:
    'allowPrivilegeEscalation:bool appArmorProfile:object capabilities:Capabilities privileged:bool procMount:string readOnlyRootFilesystem:bool runAsGroup:int runAsNonRoot:bool runAsUser:int seLinuxOptions:object seccompProfile:object windowsOptions:object',
  Capabilities: 'add[]:string drop[]:string',
  VolumeDevice: 'devicePath!:string name!:string',
  VolumeMount:
    'mountPath!:string mountPropagation:string name!:string readOnly:bool recursiveReadOnly:string subPath:string subPathExpr:string',
  Volume:
    'awsElasticBlockStore:object azureDisk:object azureFile:object cephfs:object cinder:object configMap:object csi:object downwardAPI:object emptyDir:object ephemeral:object fc:object flexVolume:object flocker:object gcePersistentDisk:object gitRepo:object glusterfs:object hostPath:object image:object iscsi:object name!:string nfs:object persistentVolumeClaim:object photonPersistentDisk:object portworxVolume:object projected:object quobyte:object rbd:object scaleIO:object secret:object storageos:object vsphereVolume:object',
  PodStatus:
    'allocatedResources{}:quantity conditions[type]:PlainCondition containerStatuses[]:object ephemeralContainerStatuses[]:object extendedResourceClaimStatus:object hostIP:string hostIPs[]:HostIP initContainerStatuses[]:object message:string nominatedNodeName:string observedGeneration:int phase:string podIP:string podIPs[ip]:HostIP qosClass:string reason:string resize:string resourceClaimStatuses[name]:object resources:ResourceRequirements startTime:time',
  HostIP: 'ip!:string',
}
