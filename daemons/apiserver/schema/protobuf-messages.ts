// The messages that typed kubectl commands send (create, expose, auth), one line per message.
//   1=name:T   []T list   {}T map of text to T   T* kept if empty (a pointer in Go)
// Field numbers are those of k8s.io/api/*/generated.proto. A field that is not listed is rejected.

export const MESSAGES: Readonly<Record<string, string>> = {
  ObjectMeta:
    '1=name:text 2=generateName:text 3=namespace:text 4=selfLink:text 5=uid:text 6=resourceVersion:text 7=generation:int 8=creationTimestamp:Time 9=deletionTimestamp:Time 10=deletionGracePeriodSeconds:int* 11=labels:{}text 12=annotations:{}text 13=ownerReferences:[]OwnerReference 14=finalizers:[]text',
  OwnerReference: '1=kind:text 3=name:text 4=uid:text 5=apiVersion:text 6=controller:bool* 7=blockOwnerDeletion:bool*',
  LabelSelector: '1=matchLabels:{}text 2=matchExpressions:[]LabelSelectorRequirement',
  LabelSelectorRequirement: '1=key:text 2=operator:text 3=values:[]text',
  Namespace: '1=metadata:ObjectMeta 2=spec:NamespaceSpec 3=status:ignored',
  NamespaceSpec: '1=finalizers:[]text',
  ConfigMap: '1=metadata:ObjectMeta 2=data:{}text 3=binaryData:{}bytes 4=immutable:bool*',
  Secret: '1=metadata:ObjectMeta 2=data:{}bytes 3=type:text 4=stringData:{}text 5=immutable:bool*',
  ServiceAccount:
    '1=metadata:ObjectMeta 2=secrets:[]ObjectReference 3=imagePullSecrets:[]LocalObjectReference 4=automountServiceAccountToken:bool*',
  ObjectReference:
    '1=kind:text 2=namespace:text 3=name:text 4=uid:text 5=apiVersion:text 6=resourceVersion:text 7=fieldPath:text',
  LocalObjectReference: '1=name:text',
  Service: '1=metadata:ObjectMeta 2=spec:ServiceSpec 3=status:ignored',
  ServiceSpec:
    '1=ports:[]ServicePort 2=selector:{}text 3=clusterIP:text 4=type:text 5=externalIPs:[]text 7=sessionAffinity:text 8=loadBalancerIP:text 9=loadBalancerSourceRanges:[]text 10=externalName:text 11=externalTrafficPolicy:text 12=healthCheckNodePort:int 13=publishNotReadyAddresses:bool 17=ipFamilyPolicy:text* 18=clusterIPs:[]text 19=ipFamilies:[]text 20=allocateLoadBalancerNodePorts:bool* 21=loadBalancerClass:text* 22=internalTrafficPolicy:text*',
  ServicePort: '1=name:text 2=protocol:text 3=port:int 4=targetPort:IntOrString 5=nodePort:int 6=appProtocol:text*',
  Deployment: '1=metadata:ObjectMeta 2=spec:DeploymentSpec 3=status:ignored',
  DeploymentSpec:
    '1=replicas:int* 2=selector:LabelSelector 3=template:PodTemplateSpec 4=strategy:DeploymentStrategy 5=minReadySeconds:int 6=revisionHistoryLimit:int* 7=paused:bool 9=progressDeadlineSeconds:int*',
  DeploymentStrategy: '1=type:text',
  PodTemplateSpec: '1=metadata:ObjectMeta 2=spec:PodSpec',
  Pod: '1=metadata:ObjectMeta 2=spec:PodSpec 3=status:ignored',
  PodSpec:
    '2=containers:[]Container 3=restartPolicy:text 4=terminationGracePeriodSeconds:int* 5=activeDeadlineSeconds:int* 6=dnsPolicy:text 7=nodeSelector:{}text 8=serviceAccountName:text 9=serviceAccount:text 10=nodeName:text 11=hostNetwork:bool 12=hostPID:bool 13=hostIPC:bool 15=imagePullSecrets:[]LocalObjectReference 16=hostname:text 17=subdomain:text 19=schedulerName:text 20=initContainers:[]Container 21=automountServiceAccountToken:bool* 24=priorityClassName:text 25=priority:int*',
  Container:
    '1=name:text 2=image:text 3=command:[]text 4=args:[]text 5=workingDir:text 6=ports:[]ContainerPort 7=env:[]EnvVar 8=resources:ResourceRequirements 13=terminationMessagePath:text 14=imagePullPolicy:text 16=stdin:bool 17=stdinOnce:bool 18=tty:bool 20=terminationMessagePolicy:text',
  ContainerPort: '1=name:text 2=hostPort:int 3=containerPort:int 4=protocol:text 5=hostIP:text',
  EnvVar: '1=name:text 2=value:text',
  ResourceRequirements: '1=limits:{}Quantity 2=requests:{}Quantity',
  Job: '1=metadata:ObjectMeta 2=spec:JobSpec 3=status:ignored',
  JobSpec:
    '1=parallelism:int* 2=completions:int* 3=activeDeadlineSeconds:int* 4=selector:LabelSelector 5=manualSelector:bool* 6=template:PodTemplateSpec 7=backoffLimit:int* 8=ttlSecondsAfterFinished:int* 9=completionMode:text* 10=suspend:bool*',
  CronJob: '1=metadata:ObjectMeta 2=spec:CronJobSpec 3=status:ignored',
  CronJobSpec:
    '1=schedule:text 2=startingDeadlineSeconds:int* 3=concurrencyPolicy:text 4=suspend:bool* 5=jobTemplate:JobTemplateSpec 6=successfulJobsHistoryLimit:int* 7=failedJobsHistoryLimit:int* 8=timeZone:text*',
  JobTemplateSpec: '1=metadata:ObjectMeta 2=spec:JobSpec',
  SelfSubjectAccessReview: '1=metadata:ObjectMeta 2=spec:SelfSubjectAccessReviewSpec 3=status:ignored',
  SelfSubjectAccessReviewSpec: '1=resourceAttributes:ResourceAttributes 2=nonResourceAttributes:NonResourceAttributes',
  ResourceAttributes:
    '1=namespace:text 2=verb:text 3=group:text 4=version:text 5=resource:text 6=subresource:text 7=name:text 8=fieldSelector:ignored 9=labelSelector:ignored',
  NonResourceAttributes: '1=path:text 2=verb:text',
  SelfSubjectRulesReview: '1=metadata:ObjectMeta 2=spec:SelfSubjectRulesReviewSpec 3=status:ignored',
  SelfSubjectRulesReviewSpec: '1=namespace:text',
  SelfSubjectReview: '1=metadata:ObjectMeta 2=status:ignored',
}
