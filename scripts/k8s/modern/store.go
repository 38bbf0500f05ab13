// How a built-in kind is stored: the libraries' generic registry, with one strategy for all kinds. It knows spec and status and validates only names.
package main

import (
	"context"
	"reflect"
	"strings"
	"time"

	core "k8s.io/api/core/v1"
	rbac "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/api/meta"
	"k8s.io/apimachinery/pkg/api/validation"
	"k8s.io/apimachinery/pkg/api/validation/path"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/apiserver/pkg/registry/generic"
	"k8s.io/apiserver/pkg/registry/generic/registry"
	"k8s.io/apiserver/pkg/registry/rest"
	genericserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	serverstorage "k8s.io/apiserver/pkg/server/storage"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/storage/names"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// strategy is called by the registry before it writes. `keeps` are the fields of an object that a request to this path cannot change.
type strategy struct {
	runtime.ObjectTyper
	names.NameGenerator
	*kind
	keeps []string
}

func (s strategy) NamespaceScoped() bool                                            { return !s.isCluster }
func (s strategy) AllowCreateOnUpdate() bool                                        { return s.name == "Lease" || s.name == "Event" }
func (s strategy) AllowUnconditionalUpdate() bool                                   { return true }
func (s strategy) Canonicalize(runtime.Object)                                      {}
func (s strategy) WarningsOnCreate(context.Context, runtime.Object) []string        { return nil }
func (s strategy) WarningsOnUpdate(_ context.Context, _, _ runtime.Object) []string { return nil }
func (s strategy) ValidateUpdate(_ context.Context, _, _ runtime.Object) field.ErrorList {
	return nil
}

// Validate checks the name only.
func (s strategy) Validate(_ context.Context, object runtime.Object) field.ErrorList {
	accessor, err := meta.Accessor(object)
	if err != nil {
		return field.ErrorList{field.InternalError(field.NewPath("metadata"), err)}
	}
	rule := validation.NameIsDNSSubdomain
	switch {
	case s.name == "Namespace":
		rule = validation.NameIsDNSLabel
	case s.name == "Service":
		rule = validation.NameIsDNS1035Label
	case s.gv.Group == rbac.GroupName:
		rule = path.ValidatePathSegmentName
	}
	return validation.ValidateObjectMetaAccessor(accessor, !s.isCluster, rule, field.NewPath("metadata"))
}

// part is a field of the object's struct; not valid where there is none.
func part(object runtime.Object, name string) reflect.Value {
	return reflect.ValueOf(object).Elem().FieldByName(name)
}

func (s strategy) PrepareForCreate(_ context.Context, object runtime.Object) {
	if status := part(object, "Status"); status.IsValid() {
		status.SetZero()
	}
	if s.counts {
		accessor, _ := meta.Accessor(object)
		accessor.SetGeneration(1)
	}
	switch one := object.(type) {
	case *core.Pod:
		one.Status.Phase = core.PodPending
	case *core.Namespace:
		one.Status.Phase = core.NamespaceActive
		one.Spec.Finalizers = []core.FinalizerName{core.FinalizerKubernetes}
	case *core.Secret:
		decoded(one)
	}
}

func (s strategy) PrepareForUpdate(_ context.Context, object, old runtime.Object) {
	for _, name := range s.keeps {
		if value := part(object, name); value.IsValid() {
			value.Set(part(old, name))
		}
	}
	if secret, ok := object.(*core.Secret); ok {
		decoded(secret)
	}
	if s.counts && !s.sameContent(object, old) {
		accessor, _ := meta.Accessor(object)
		accessor.SetGeneration(accessor.GetGeneration() + 1)
	}
}

// sameContent compares all fields but metadata and status.
func (s strategy) sameContent(one, other runtime.Object) bool {
	for i, type_ := 0, reflect.TypeOf(one).Elem(); i < type_.NumField(); i++ {
		name := type_.Field(i).Name
		if name != "TypeMeta" && name != "ObjectMeta" && name != "Status" && !equality.Semantic.DeepEqual(part(one, name).Interface(), part(other, name).Interface()) {
			return false
		}
	}
	return true
}

func decoded(secret *core.Secret) {
	for key, text := range secret.StringData {
		if secret.Data == nil {
			secret.Data = map[string][]byte{}
		}
		secret.Data[key] = []byte(text)
	}
	secret.StringData = nil
}

// GetResetFields keeps server-side apply from owning fields that a request to this path cannot change.
func (s strategy) GetResetFields() map[fieldpath.APIVersion]*fieldpath.Set {
	var paths []fieldpath.Path
	for _, name := range s.keeps {
		paths = append(paths, fieldpath.MakePathOrDie(strings.ToLower(name)))
	}
	return map[fieldpath.APIVersion]*fieldpath.Set{fieldpath.APIVersion(s.gv.String()): fieldpath.NewSet(paths...)}
}

// podStrategy marks a pod of a node as deleted; the kubelet then deletes it with a grace period of zero.
type podStrategy struct{ strategy }

func (podStrategy) CheckGracefulDelete(_ context.Context, object runtime.Object, options *metav1.DeleteOptions) bool {
	pod := object.(*core.Pod)
	seconds := int64(core.DefaultTerminationGracePeriodSeconds)
	switch {
	case options.GracePeriodSeconds != nil:
		seconds = *options.GracePeriodSeconds
	case pod.Spec.TerminationGracePeriodSeconds != nil:
		seconds = *pod.Spec.TerminationGracePeriodSeconds
	}
	if pod.Spec.NodeName == "" || pod.Status.Phase == core.PodFailed || pod.Status.Phase == core.PodSucceeded {
		seconds = 0
	}
	options.GracePeriodSeconds = &seconds
	return true
}

// store is a kind's collection.
type store struct {
	*registry.Store
	*kind
}

func (s store) ShortNames() []string { return s.short }
func (s store) Categories() []string { return s.categories }

// subresource serves one field of an object at a path of its own: status, finalize.
type subresource struct{ *registry.Store }

func (s subresource) New() runtime.Object { return s.NewFunc() }
func (s subresource) Destroy()            {}
func (s subresource) Get(ctx context.Context, name string, options *metav1.GetOptions) (runtime.Object, error) {
	return s.Store.Get(ctx, name, options)
}
func (s subresource) Update(ctx context.Context, name string, object rest.UpdatedObjectInfo, created rest.ValidateObjectFunc, updated rest.ValidateObjectUpdateFunc, _ bool, options *metav1.UpdateOptions) (runtime.Object, bool, error) {
	return s.Store.Update(ctx, name, object, created, updated, false, options)
}

// onlyUpdated hides the registry's methods for collections from a subresource.
type onlyUpdated interface {
	rest.Patcher
	rest.Storage
	rest.ResetFieldsStrategy
	rest.TableConvertor
}

func storageOf(k *kind, getter generic.RESTOptionsGetter) (map[string]rest.Storage, error) {
	base := strategy{builtinScheme, names.SimpleNameGenerator, k, []string{"Status"}}
	if k.name == "Namespace" {
		base.keeps = []string{"Status", "Spec"}
	}
	var main interface {
		rest.RESTCreateStrategy
		rest.RESTUpdateStrategy
		rest.RESTDeleteStrategy
		rest.ResetFieldsStrategy
	} = base
	if k.name == "Pod" {
		main = podStrategy{base}
	}
	resource := schema.GroupResource{Group: k.gv.Group, Resource: k.plural}
	whole := &registry.Store{
		NewFunc:                   func() runtime.Object { return k.object("") },
		NewListFunc:               func() runtime.Object { return k.object("List") },
		DefaultQualifiedResource:  resource,
		SingularQualifiedResource: schema.GroupResource{Group: k.gv.Group, Resource: strings.ToLower(k.name)},
		CreateStrategy:            main, UpdateStrategy: main, DeleteStrategy: main, ResetFieldsStrategy: main,
		TableConvertor: columns{rest.NewDefaultTableConvertor(resource), printed[k.gv.Group+"/"+k.name]},
	}
	if k.name == "Event" {
		whole.TTLFunc = func(runtime.Object, uint64, bool) (uint64, error) { return uint64(time.Hour / time.Second), nil }
	}
	if k.name == "Namespace" {
		whole.ShouldDeleteDuringUpdate = isEmptied
	}
	all := &generic.StoreOptions{RESTOptions: getter, AttrFunc: attributesOf(k)}
	if k.name == "Pod" {
		all.TriggerFunc = storage.IndexerFuncs{"spec.nodeName": func(object runtime.Object) string { return object.(*core.Pod).Spec.NodeName }}
	}
	if err := whole.CompleteWithOptions(all); err != nil {
		return nil, err
	}
	served := map[string]rest.Storage{k.plural: store{whole, k}}
	// The same objects, of which a request changes another field.
	changing := func(keeps ...string) onlyUpdated {
		other, otherStrategy := *whole, base
		otherStrategy.keeps = keeps
		other.UpdateStrategy, other.ResetFieldsStrategy = otherStrategy, otherStrategy
		return subresource{&other}
	}
	if part(k.object(""), "Status").IsValid() {
		served[k.plural+"/status"] = struct{ onlyUpdated }{changing("Spec")}
	}
	if k.name == "Namespace" {
		served[k.plural] = namespaces{store{whole, k}}
		served[k.plural+"/finalize"] = struct{ onlyUpdated }{changing("Status")}
	}
	return served, nil
}

// selectable are the field selectors beyond name and namespace.
var selectable = map[string]map[string]func(runtime.Object) string{
	"Pod": {
		"spec.nodeName": func(o runtime.Object) string { return o.(*core.Pod).Spec.NodeName },
		"status.phase":  func(o runtime.Object) string { return string(o.(*core.Pod).Status.Phase) },
		"status.podIP":  func(o runtime.Object) string { return o.(*core.Pod).Status.PodIP },
	},
	"Node": {"spec.unschedulable": func(o runtime.Object) string {
		return map[bool]string{true: "true", false: "false"}[o.(*core.Node).Spec.Unschedulable]
	}},
	"Secret":    {"type": func(o runtime.Object) string { return string(o.(*core.Secret).Type) }},
	"Namespace": {"status.phase": func(o runtime.Object) string { return string(o.(*core.Namespace).Status.Phase) }},
	"Event": {
		"involvedObject.kind":      func(o runtime.Object) string { return o.(*core.Event).InvolvedObject.Kind },
		"involvedObject.namespace": func(o runtime.Object) string { return o.(*core.Event).InvolvedObject.Namespace },
		"involvedObject.name":      func(o runtime.Object) string { return o.(*core.Event).InvolvedObject.Name },
		"involvedObject.uid":       func(o runtime.Object) string { return string(o.(*core.Event).InvolvedObject.UID) },
		"reason":                   func(o runtime.Object) string { return o.(*core.Event).Reason },
		"type":                     func(o runtime.Object) string { return o.(*core.Event).Type },
	},
}

func attributesOf(k *kind) storage.AttrFunc {
	return func(object runtime.Object) (labels.Set, fields.Set, error) {
		accessor, err := meta.Accessor(object)
		if err != nil {
			return nil, nil, err
		}
		found := fields.Set{"metadata.name": accessor.GetName()}
		if !k.isCluster {
			found["metadata.namespace"] = accessor.GetNamespace()
		}
		for label, of := range selectable[k.name] {
			if k.gv.Group == "" {
				found[label] = of(object)
			}
		}
		return accessor.GetLabels(), found, nil
	}
}

// installBuiltins serves the kinds of the table, stored as protobuf as in kube-apiserver.
func installBuiltins(server *genericserver.GenericAPIServer, etcd *options.EtcdOptions) error {
	factory := serverstorage.NewDefaultStorageFactory(etcd.StorageConfig, runtime.ContentTypeProtobuf, builtinCodecs,
		serverstorage.NewDefaultResourceEncodingConfig(builtinScheme), serverstorage.NewResourceConfig(), nil)
	getter := etcd.CreateRESTOptionsGetter(factory, nil)
	groups := map[string]*genericserver.APIGroupInfo{}
	var order []*genericserver.APIGroupInfo
	for i := range kinds {
		k := &kinds[i]
		group, known := groups[k.gv.Group]
		if !known {
			info := genericserver.NewDefaultAPIGroupInfo(k.gv.Group, builtinScheme, metav1.ParameterCodec, builtinCodecs)
			info.PrioritizedVersions = []schema.GroupVersion{k.gv}
			group = &info
			groups[k.gv.Group] = group
			if k.gv.Group != "" {
				order = append(order, group)
			}
			group.VersionedResourcesStorageMap[k.gv.Version] = map[string]rest.Storage{}
		}
		served, err := storageOf(k, getter)
		if err != nil {
			return err
		}
		for path, one := range served {
			group.VersionedResourcesStorageMap[k.gv.Version][path] = one
		}
	}
	if err := server.InstallLegacyAPIGroup(genericserver.DefaultLegacyAPIPrefix, groups[""]); err != nil {
		return err
	}
	return server.InstallAPIGroups(order...)
}
