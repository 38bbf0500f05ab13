// The built-in kinds: a table, and the defaults of their fields. Defaults are few: those that clients or the libraries themselves depend on.
package main

import (
	admission "k8s.io/api/admissionregistration/v1"
	apps "k8s.io/api/apps/v1"
	batch "k8s.io/api/batch/v1"
	coordination "k8s.io/api/coordination/v1"
	core "k8s.io/api/core/v1"
	discovery "k8s.io/api/discovery/v1"
	flowcontrol "k8s.io/api/flowcontrol/v1"
	networking "k8s.io/api/networking/v1"
	rbac "k8s.io/api/rbac/v1"
	extensionsopenapi "k8s.io/apiextensions-apiserver/pkg/generated/openapi"
	meta "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/runtime/serializer"
	"k8s.io/apimachinery/pkg/util/intstr"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/kube-openapi/pkg/common"

	"apiserver/openapi"
)

type kind struct {
	gv           schema.GroupVersion
	name, plural string
	isCluster    bool // no namespace
	counts       bool // metadata.generation is one more for each change of spec
	short        []string
	categories   []string
}

const cluster, namespaced = true, false

var all = []string{"all"}

var kinds = []kind{
	{gv: core.SchemeGroupVersion, name: "Namespace", plural: "namespaces", isCluster: cluster, short: []string{"ns"}},
	{gv: core.SchemeGroupVersion, name: "Node", plural: "nodes", isCluster: cluster, short: []string{"no"}},
	{gv: core.SchemeGroupVersion, name: "Pod", plural: "pods", counts: true, short: []string{"po"}, categories: all},
	{gv: core.SchemeGroupVersion, name: "ConfigMap", plural: "configmaps", short: []string{"cm"}},
	{gv: core.SchemeGroupVersion, name: "Secret", plural: "secrets"},
	{gv: core.SchemeGroupVersion, name: "Service", plural: "services", short: []string{"svc"}, categories: all},
	{gv: core.SchemeGroupVersion, name: "Endpoints", plural: "endpoints", short: []string{"ep"}},
	{gv: core.SchemeGroupVersion, name: "ServiceAccount", plural: "serviceaccounts", short: []string{"sa"}},
	{gv: core.SchemeGroupVersion, name: "Event", plural: "events", short: []string{"ev"}},
	{gv: apps.SchemeGroupVersion, name: "Deployment", plural: "deployments", counts: true, short: []string{"deploy"}, categories: all},
	{gv: apps.SchemeGroupVersion, name: "ReplicaSet", plural: "replicasets", counts: true, short: []string{"rs"}, categories: all},
	{gv: apps.SchemeGroupVersion, name: "StatefulSet", plural: "statefulsets", counts: true, short: []string{"sts"}, categories: all},
	{gv: apps.SchemeGroupVersion, name: "DaemonSet", plural: "daemonsets", counts: true, short: []string{"ds"}, categories: all},
	{gv: batch.SchemeGroupVersion, name: "Job", plural: "jobs", counts: true, categories: all},
	{gv: batch.SchemeGroupVersion, name: "CronJob", plural: "cronjobs", counts: true, short: []string{"cj"}, categories: all},
	{gv: coordination.SchemeGroupVersion, name: "Lease", plural: "leases"},
	{gv: discovery.SchemeGroupVersion, name: "EndpointSlice", plural: "endpointslices"},
	{gv: networking.SchemeGroupVersion, name: "ServiceCIDR", plural: "servicecidrs", isCluster: cluster},
	{gv: networking.SchemeGroupVersion, name: "IPAddress", plural: "ipaddresses", isCluster: cluster, short: []string{"ip"}},
	{gv: networking.SchemeGroupVersion, name: "NetworkPolicy", plural: "networkpolicies", counts: true, short: []string{"netpol"}},
	{gv: rbac.SchemeGroupVersion, name: "ClusterRole", plural: "clusterroles", isCluster: cluster},
	{gv: rbac.SchemeGroupVersion, name: "ClusterRoleBinding", plural: "clusterrolebindings", isCluster: cluster},
	{gv: rbac.SchemeGroupVersion, name: "Role", plural: "roles"},
	{gv: rbac.SchemeGroupVersion, name: "RoleBinding", plural: "rolebindings"},
	{gv: admission.SchemeGroupVersion, name: "MutatingWebhookConfiguration", plural: "mutatingwebhookconfigurations", isCluster: cluster, counts: true},
	{gv: admission.SchemeGroupVersion, name: "ValidatingWebhookConfiguration", plural: "validatingwebhookconfigurations", isCluster: cluster, counts: true},
	{gv: admission.SchemeGroupVersion, name: "ValidatingAdmissionPolicy", plural: "validatingadmissionpolicies", isCluster: cluster, counts: true},
	{gv: admission.SchemeGroupVersion, name: "ValidatingAdmissionPolicyBinding", plural: "validatingadmissionpolicybindings", isCluster: cluster, counts: true},
	{gv: admission.SchemeGroupVersion, name: "MutatingAdmissionPolicy", plural: "mutatingadmissionpolicies", isCluster: cluster, counts: true},
	{gv: admission.SchemeGroupVersion, name: "MutatingAdmissionPolicyBinding", plural: "mutatingadmissionpolicybindings", isCluster: cluster, counts: true},
	{gv: flowcontrol.SchemeGroupVersion, name: "FlowSchema", plural: "flowschemas", isCluster: cluster, counts: true},
	{gv: flowcontrol.SchemeGroupVersion, name: "PriorityLevelConfiguration", plural: "prioritylevelconfigurations", isCluster: cluster, counts: true},
}

var (
	builtinScheme = runtime.NewScheme()
	builtinCodecs = serializer.NewCodecFactory(builtinScheme)
)

func init() {
	builders := runtime.NewSchemeBuilder(core.AddToScheme, apps.AddToScheme, batch.AddToScheme, coordination.AddToScheme, discovery.AddToScheme,
		networking.AddToScheme, rbac.AddToScheme, admission.AddToScheme, flowcontrol.AddToScheme)
	utilruntime.Must(builders.AddToScheme(builtinScheme))
	builtinScheme.AddUnversionedTypes(schema.GroupVersion{Version: "v1"}, &meta.Status{}, &meta.APIVersions{}, &meta.APIGroupList{}, &meta.APIGroup{}, &meta.APIResourceList{})
	for _, k := range kinds {
		// The libraries need an internal version of each kind. Here it is the external type, so nothing is converted.
		internal := schema.GroupVersion{Group: k.gv.Group, Version: runtime.APIVersionInternal}
		builtinScheme.AddKnownTypes(internal, k.object(""), k.object("List"))
		utilruntime.Must(builtinScheme.SetVersionPriority(k.gv))
	}
	defaults()
	for name, labels := range selectable {
		utilruntime.Must(builtinScheme.AddFieldLabelConversionFunc(core.SchemeGroupVersion.WithKind(name), func(label, value string) (string, string, error) {
			if _, ok := labels[label]; ok {
				return label, value, nil
			}
			return runtime.DefaultMetaV1FieldSelectorConversion(label, value)
		}))
	}
}

// object is an empty one, or an empty list.
func (k *kind) object(suffix string) runtime.Object {
	object, err := builtinScheme.New(k.gv.WithKind(k.name + suffix))
	utilruntime.Must(err)
	return object
}

// definitions are the library's own for CRDs and metadata, and those that openapi-gen generated for the packages above.
func definitions(ref common.ReferenceCallback) map[string]common.OpenAPIDefinition {
	both := openapi.GetOpenAPIDefinitions(ref)
	for name, definition := range extensionsopenapi.GetOpenAPIDefinitions(ref) {
		both[name] = definition
	}
	return both
}

func or[T any](at **T, value T) {
	if *at == nil {
		*at = &value
	}
}

func orText[T ~string](at *T, value T) {
	if *at == "" {
		*at = value
	}
}

func defaults() {
	on(func(namespace *core.Namespace) {
		if namespace.Name == "" {
			return
		}
		if namespace.Labels == nil {
			namespace.Labels = map[string]string{}
		}
		namespace.Labels[core.LabelMetadataName] = namespace.Name
	})
	on(func(pod *core.Pod) { defaultPod(&pod.Spec) })
	on(func(secret *core.Secret) { orText(&secret.Type, core.SecretTypeOpaque) })
	on(defaultService)
	on(func(one *apps.Deployment) { or(&one.Spec.Replicas, 1); defaultPod(&one.Spec.Template.Spec) })
	on(func(one *apps.ReplicaSet) { or(&one.Spec.Replicas, 1); defaultPod(&one.Spec.Template.Spec) })
	on(func(one *apps.StatefulSet) { or(&one.Spec.Replicas, 1); defaultPod(&one.Spec.Template.Spec) })
	on(func(one *apps.DaemonSet) { defaultPod(&one.Spec.Template.Spec) })
	on(func(one *batch.Job) {
		or(&one.Spec.Completions, 1)
		or(&one.Spec.Parallelism, 1)
		or(&one.Spec.BackoffLimit, 6)
		or(&one.Spec.Suspend, false)
		defaultPod(&one.Spec.Template.Spec)
	})
	on(func(one *batch.CronJob) {
		orText(&one.Spec.ConcurrencyPolicy, batch.AllowConcurrent)
		or(&one.Spec.Suspend, false)
	})
	on(defaultMutating)
	on(defaultValidating)
	on(func(policy *admission.ValidatingAdmissionPolicy) {
		or(&policy.Spec.FailurePolicy, admission.Fail)
		defaultMatch(policy.Spec.MatchConstraints)
	})
	on(func(binding *admission.ValidatingAdmissionPolicyBinding) { defaultMatch(binding.Spec.MatchResources) })
	on(func(policy *admission.MutatingAdmissionPolicy) {
		or(&policy.Spec.FailurePolicy, admission.Fail)
		defaultMatch(policy.Spec.MatchConstraints)
	})
	on(func(binding *admission.MutatingAdmissionPolicyBinding) { defaultMatch(binding.Spec.MatchResources) })
	on(func(schema *flowcontrol.FlowSchema) {
		if schema.Spec.MatchingPrecedence == 0 {
			schema.Spec.MatchingPrecedence = 1000
		}
	})
	on(func(level *flowcontrol.PriorityLevelConfiguration) {
		if limited := level.Spec.Limited; limited != nil {
			or(&limited.NominalConcurrencyShares, 30)
			or(&limited.LendablePercent, 0)
		}
	})
}

func on[T any](set func(*T)) {
	example := any(new(T)).(runtime.Object)
	builtinScheme.AddTypeDefaultingFunc(example, func(object any) { set(object.(*T)) })
}

func defaultPod(spec *core.PodSpec) {
	orText(&spec.RestartPolicy, core.RestartPolicyAlways)
	orText(&spec.DNSPolicy, core.DNSClusterFirst)
	orText(&spec.SchedulerName, core.DefaultSchedulerName)
	or(&spec.TerminationGracePeriodSeconds, core.DefaultTerminationGracePeriodSeconds)
	or(&spec.SecurityContext, core.PodSecurityContext{})
	or(&spec.EnableServiceLinks, core.DefaultEnableServiceLinks)
	for _, containers := range [][]core.Container{spec.InitContainers, spec.Containers} {
		for i := range containers {
			one := &containers[i]
			orText(&one.ImagePullPolicy, core.PullIfNotPresent)
			orText(&one.TerminationMessagePath, core.TerminationMessagePathDefault)
			orText(&one.TerminationMessagePolicy, core.TerminationMessageReadFile)
			for p := range one.Ports {
				orText(&one.Ports[p].Protocol, core.ProtocolTCP)
			}
		}
	}
}

func defaultService(service *core.Service) {
	orText(&service.Spec.Type, core.ServiceTypeClusterIP)
	orText(&service.Spec.SessionAffinity, core.ServiceAffinityNone)
	for i := range service.Spec.Ports {
		port := &service.Spec.Ports[i]
		orText(&port.Protocol, core.ProtocolTCP)
		if port.TargetPort == (intstr.IntOrString{}) {
			port.TargetPort = intstr.FromInt32(port.Port)
		}
	}
}

func defaultMutating(configuration *admission.MutatingWebhookConfiguration) {
	for i := range configuration.Webhooks {
		hook := &configuration.Webhooks[i]
		or(&hook.FailurePolicy, admission.Fail)
		or(&hook.MatchPolicy, admission.Equivalent)
		or(&hook.NamespaceSelector, meta.LabelSelector{})
		or(&hook.ObjectSelector, meta.LabelSelector{})
		or(&hook.TimeoutSeconds, 10)
		or(&hook.ReinvocationPolicy, admission.NeverReinvocationPolicy)
		defaultHook(&hook.ClientConfig, hook.Rules)
	}
}

func defaultValidating(configuration *admission.ValidatingWebhookConfiguration) {
	for i := range configuration.Webhooks {
		hook := &configuration.Webhooks[i]
		or(&hook.FailurePolicy, admission.Fail)
		or(&hook.MatchPolicy, admission.Equivalent)
		or(&hook.NamespaceSelector, meta.LabelSelector{})
		or(&hook.ObjectSelector, meta.LabelSelector{})
		or(&hook.TimeoutSeconds, 10)
		defaultHook(&hook.ClientConfig, hook.Rules)
	}
}

func defaultHook(client *admission.WebhookClientConfig, rules []admission.RuleWithOperations) {
	if client.Service != nil {
		or(&client.Service.Port, 443)
	}
	for i := range rules {
		or(&rules[i].Scope, admission.AllScopes)
	}
}

func defaultMatch(match *admission.MatchResources) {
	if match == nil {
		return
	}
	or(&match.MatchPolicy, admission.Equivalent)
	or(&match.NamespaceSelector, meta.LabelSelector{})
	or(&match.ObjectSelector, meta.LabelSelector{})
	for _, rules := range [][]admission.NamedRuleWithOperations{match.ResourceRules, match.ExcludeResourceRules} {
		for i := range rules {
			or(&rules[i].Scope, admission.AllScopes)
		}
	}
}
