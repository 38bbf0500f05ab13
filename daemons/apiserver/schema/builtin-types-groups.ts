// The built-in types of the other groups, in the notation of builtin-types-core.ts.

export const META: Readonly<Record<string, string>> = {
  ObjectMeta:
    'annotations{}:string creationTimestamp:time deletionGracePeriodSeconds:int deletionTimestamp:time finalizers[=]:string generateName:string generation:int labels{}:string managedFields[]:ManagedFieldsEntry name:string namespace:string ownerReferences[uid]:OwnerReference resourceVersion:string selfLink:string uid:string',
  ManagedFieldsEntry:
    'apiVersion:string fieldsType:string fieldsV1:object manager:string operation:string subresource:string time:time',
  OwnerReference: 'apiVersion!:string blockOwnerDeletion:bool controller:bool kind!:string name!:string uid!:string',
  LabelSelector: 'matchExpressions[]:LabelSelectorRequirement matchLabels{}:string',
  LabelSelectorRequirement: 'key!:string operator!:string values[]:string',
}

export const APPS: Readonly<Record<string, string>> = {
  Deployment: 'spec:DeploymentSpec status:DeploymentStatus',
  DeploymentSpec:
    'minReadySeconds:int paused:bool progressDeadlineSeconds:int replicas:int revisionHistoryLimit:int selector!:LabelSelector strategy:object template!:PodTemplateSpec',
  DeploymentStatus:
    'availableReplicas:int collisionCount:int conditions[type]:AppCondition observedGeneration:int readyReplicas:int replicas:int terminatingReplicas:int unavailableReplicas:int updatedReplicas:int',
  AppCondition: 'lastTransitionTime:time lastUpdateTime:time message:string reason:string status!:string type!:string',
  ReplicaSet: 'spec:ReplicaSetSpec status:ReplicaSetStatus',
  ReplicaSetSpec: 'minReadySeconds:int replicas:int selector!:LabelSelector template:PodTemplateSpec',
  ReplicaSetStatus:
    'availableReplicas:int conditions[type]:AppCondition fullyLabeledReplicas:int observedGeneration:int readyReplicas:int replicas:int terminatingReplicas:int',
  StatefulSet: 'spec:StatefulSetSpec status:StatefulSetStatus',
  StatefulSetSpec:
    'minReadySeconds:int ordinals:object persistentVolumeClaimRetentionPolicy:object podManagementPolicy:string replicas:int revisionHistoryLimit:int selector!:LabelSelector serviceName:string template!:PodTemplateSpec updateStrategy:object volumeClaimTemplates[]:object',
  StatefulSetStatus:
    'availableReplicas:int collisionCount:int conditions[type]:AppCondition currentReplicas:int currentRevision:string observedGeneration:int readyReplicas:int replicas:int updateRevision:string updatedReplicas:int',
  DaemonSet: 'spec:DaemonSetSpec status:DaemonSetStatus',
  DaemonSetSpec:
    'minReadySeconds:int revisionHistoryLimit:int selector!:LabelSelector template!:PodTemplateSpec updateStrategy:object',
  DaemonSetStatus:
    'collisionCount:int conditions[type]:AppCondition currentNumberScheduled:int desiredNumberScheduled:int numberAvailable:int numberMisscheduled:int numberReady:int numberUnavailable:int observedGeneration:int updatedNumberScheduled:int',
}

export const BATCH: Readonly<Record<string, string>> = {
  Job: 'spec:JobSpec status:JobStatus',
  JobSpec:
    'activeDeadlineSeconds:int backoffLimit:int backoffLimitPerIndex:int completionMode:string completions:int managedBy:string manualSelector:bool maxFailedIndexes:int parallelism:int podFailurePolicy:object podReplacementPolicy:string selector:LabelSelector successPolicy:object suspend:bool template!:PodTemplateSpec ttlSecondsAfterFinished:int',
  JobStatus:
    'active:int completedIndexes:string completionTime:time conditions[]:JobCondition failed:int failedIndexes:string ready:int startTime:time succeeded:int terminating:int uncountedTerminatedPods:object',
  JobCondition: 'lastProbeTime:time lastTransitionTime:time message:string reason:string status!:string type!:string',
  CronJob: 'spec:CronJobSpec status:CronJobStatus',
  CronJobSpec:
    'concurrencyPolicy:string failedJobsHistoryLimit:int jobTemplate!:JobTemplateSpec schedule!:string startingDeadlineSeconds:int successfulJobsHistoryLimit:int suspend:bool timeZone:string',
  JobTemplateSpec: 'metadata:ObjectMeta spec:JobSpec',
  CronJobStatus: 'active[]:ObjectReference lastScheduleTime:time lastSuccessfulTime:time',
}

export const COORDINATION: Readonly<Record<string, string>> = {
  Lease: 'spec:LeaseSpec',
  LeaseSpec:
    'acquireTime:time holderIdentity:string leaseDurationSeconds:int leaseTransitions:int preferredHolder:string renewTime:time strategy:string',
}

export const DISCOVERY: Readonly<Record<string, string>> = {
  EndpointSlice: 'addressType!:string endpoints![]:Endpoint ports[]:EndpointPort',
  Endpoint:
    'addresses![=]:string conditions:object deprecatedTopology{}:string hints:object hostname:string nodeName:string targetRef:ObjectReference zone:string',
  EndpointPort: 'appProtocol:string name:string port:int protocol:string',
}

/** Stored only: this server calls no webhooks, Spiderpool’s rules are built in. */
export const ADMISSION: Readonly<Record<string, string>> = {
  MutatingWebhookConfiguration: 'webhooks[name]:MutatingWebhook',
  ValidatingWebhookConfiguration: 'webhooks[name]:ValidatingWebhook',
  MutatingWebhook:
    'admissionReviewVersions![]:string clientConfig!:WebhookClientConfig failurePolicy:string matchConditions[name]:object matchPolicy:string name!:string namespaceSelector:LabelSelector objectSelector:LabelSelector reinvocationPolicy:string rules[]:RuleWithOperations sideEffects!:string timeoutSeconds:int',
  ValidatingWebhook:
    'admissionReviewVersions![]:string clientConfig!:WebhookClientConfig failurePolicy:string matchConditions[name]:object matchPolicy:string name!:string namespaceSelector:LabelSelector objectSelector:LabelSelector rules[]:RuleWithOperations sideEffects!:string timeoutSeconds:int',
  WebhookClientConfig: 'caBundle:string service:WebhookServiceReference url:string',
  WebhookServiceReference: 'name!:string namespace!:string path:string port:int',
  RuleWithOperations: 'apiGroups[]:string apiVersions[]:string operations[]:string resources[]:string scope:string',
}

export const NETWORKING: Readonly<Record<string, string>> = {
  ServiceCIDR: 'spec:ServiceCIDRSpec status:ServiceCIDRStatus',
  ServiceCIDRSpec: 'cidrs[]:string',
  ServiceCIDRStatus: 'conditions[type]:Condition',
  Condition:
    'lastTransitionTime!:time message!:string observedGeneration:int reason!:string status!:string type!:string',
}

export const EXTENSIONS: Readonly<Record<string, string>> = {
  CustomResourceDefinition: 'spec!:CustomResourceDefinitionSpec status:CustomResourceDefinitionStatus',
  CustomResourceDefinitionSpec:
    'conversion:object group!:string names!:CustomResourceDefinitionNames preserveUnknownFields:bool scope!:string versions![]:CustomResourceDefinitionVersion',
  CustomResourceDefinitionNames:
    'categories[]:string kind!:string listKind:string plural!:string shortNames[]:string singular:string',
  CustomResourceDefinitionVersion:
    'additionalPrinterColumns[]:CustomResourceColumnDefinition deprecated:bool deprecationWarning:string name!:string schema:CustomResourceValidation selectableFields[]:object served!:bool storage!:bool subresources:object',
  CustomResourceColumnDefinition:
    'description:string format:string jsonPath!:string name!:string priority:int type!:string',
  CustomResourceValidation: 'openAPIV3Schema:object',
  CustomResourceDefinitionStatus:
    'acceptedNames:CustomResourceDefinitionNames conditions[type]:Condition observedGeneration:int storedVersions[]:string',
}
