// What k8s.io/apiextensions-apiserver lacks of an API server: the list of groups, the objects that exist from the start, and the resolver of a
// webhook's Service.
package main

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"time"

	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	extensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	"k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apimachinery/pkg/version"
	"k8s.io/apiserver/pkg/apis/flowcontrol/bootstrap"
	"k8s.io/apiserver/pkg/endpoints/discovery/aggregated"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	corelisters "k8s.io/client-go/listers/core/v1"
	"k8s.io/client-go/tools/cache"
)

// serveGroups answers /apis: aggregated discovery comes from the libraries; to the plain list the groups of CRDs are added here.
func serveGroups(server *extensions.CustomResourceDefinitions) error {
	generic := server.GenericAPIServer
	both := aggregated.WrapAggregatedDiscoveryToHandler(generic.DiscoveryGroupManager, generic.AggregatedDiscoveryGroupManager, generic.AggregatedDiscoveryGroupManager)
	generic.Handler.GoRestfulContainer.Add(both.GenerateWebService("/apis", metav1.APIGroupList{}))
	crds := server.Informers.Apiextensions().V1().CustomResourceDefinitions()
	listed := map[string]bool{}
	refresh := func() {
		found, _ := crds.Lister().List(labels.Everything())
		groups := groupsOf(found)
		for name := range listed {
			if _, still := groups[name]; !still {
				generic.DiscoveryGroupManager.RemoveGroup(name)
				delete(listed, name)
			}
		}
		for name, group := range groups {
			generic.DiscoveryGroupManager.AddGroup(*group)
			listed[name] = true
		}
	}
	_, err := crds.Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc:    func(any) { refresh() },
		UpdateFunc: func(_, _ any) { refresh() },
		DeleteFunc: func(any) { refresh() },
	})
	return err
}

func groupsOf(crds []*extensionsv1.CustomResourceDefinition) map[string]*metav1.APIGroup {
	groups := map[string]*metav1.APIGroup{}
	for _, crd := range crds {
		for _, one := range crd.Spec.Versions {
			if !one.Served {
				continue
			}
			group := groups[crd.Spec.Group]
			if group == nil {
				group = &metav1.APIGroup{Name: crd.Spec.Group}
				groups[crd.Spec.Group] = group
			}
			group.Versions = insert(group.Versions, metav1.GroupVersionForDiscovery{GroupVersion: crd.Spec.Group + "/" + one.Name, Version: one.Name})
			group.PreferredVersion = group.Versions[0]
		}
	}
	return groups
}

// insert keeps versions in Kubernetes' order: v2 before v1 before v1beta1.
func insert(versions []metav1.GroupVersionForDiscovery, one metav1.GroupVersionForDiscovery) []metav1.GroupVersionForDiscovery {
	for i, other := range versions {
		if other == one {
			return versions
		}
		if version.CompareKubeAwareVersionStrings(one.Version, other.Version) > 0 {
			return append(versions[:i:i], append([]metav1.GroupVersionForDiscovery{one}, versions[i:]...)...)
		}
	}
	return append(versions, one)
}

// firstObjects creates the namespaces that clients depend on, the ServiceCIDR of --service-cluster-ip-range and the suggested objects of flow control.
func firstObjects(ctx context.Context, client kubernetes.Interface, serviceCIDRs []string) error {
	none := metav1.CreateOptions{}
	var makes []func() error
	for _, name := range []string{"default", "kube-system", "kube-public", "kube-node-lease"} {
		makes = append(makes, func() error {
			_, err := client.CoreV1().Namespaces().Create(ctx, &core.Namespace{ObjectMeta: metav1.ObjectMeta{Name: name}}, none)
			return err
		})
	}
	for _, level := range append(bootstrap.MandatoryPriorityLevelConfigurations, bootstrap.SuggestedPriorityLevelConfigurations...) {
		makes = append(makes, func() error {
			_, err := client.FlowcontrolV1().PriorityLevelConfigurations().Create(ctx, level, none)
			return err
		})
	}
	for _, schema := range append(bootstrap.MandatoryFlowSchemas, bootstrap.SuggestedFlowSchemas...) {
		makes = append(makes, func() error { _, err := client.FlowcontrolV1().FlowSchemas().Create(ctx, schema, none); return err })
	}
	makes = append(makes, func() error { return serviceCIDR(ctx, client, serviceCIDRs) })
	for _, one := range makes {
		made := func(context.Context) (bool, error) {
			err := one()
			return err == nil || errors.IsAlreadyExists(err), nil
		}
		if err := wait.PollUntilContextTimeout(ctx, 100*time.Millisecond, time.Minute, true, made); err != nil {
			return err
		}
	}
	return nil
}

// serviceCIDR creates the ServiceCIDR `kubernetes` with the condition Ready, as kube-apiserver does since 1.33.
func serviceCIDR(ctx context.Context, client kubernetes.Interface, cidrs []string) error {
	if len(cidrs) == 0 {
		return nil
	}
	made, err := client.NetworkingV1().ServiceCIDRs().Create(ctx, &networking.ServiceCIDR{
		ObjectMeta: metav1.ObjectMeta{Name: "kubernetes"},
		Spec:       networking.ServiceCIDRSpec{CIDRs: cidrs},
	}, metav1.CreateOptions{})
	if err != nil {
		return err
	}
	made.Status.Conditions = []metav1.Condition{{
		Type: networking.ServiceCIDRConditionReady, Status: metav1.ConditionTrue,
		LastTransitionTime: metav1.Now(), Message: "Kubernetes default Service CIDR is ready",
	}}
	_, err = client.NetworkingV1().ServiceCIDRs().UpdateStatus(ctx, made, metav1.UpdateOptions{})
	return err
}

// resolver finds a ready address of a Service in its Endpoints, so a webhook needs no kube-proxy.
type resolver struct {
	services  corelisters.ServiceLister
	endpoints corelisters.EndpointsLister
}

func newResolver(all informers.SharedInformerFactory) resolver {
	return resolver{all.Core().V1().Services().Lister(), all.Core().V1().Endpoints().Lister()}
}

func (r resolver) ResolveEndpoint(namespace, name string, port int32) (*url.URL, error) {
	service, err := r.services.Services(namespace).Get(name)
	if err != nil {
		return nil, err
	}
	endpoints, err := r.endpoints.Endpoints(namespace).Get(name)
	if err != nil {
		return nil, err
	}
	for _, wanted := range service.Spec.Ports {
		if wanted.Port != port {
			continue
		}
		for _, subset := range endpoints.Subsets {
			for _, one := range subset.Ports {
				if one.Name == wanted.Name && len(subset.Addresses) > 0 {
					return &url.URL{Scheme: "https", Host: net.JoinHostPort(subset.Addresses[0].IP, strconv.Itoa(int(one.Port)))}, nil
				}
			}
		}
	}
	return nil, errors.NewServiceUnavailable(fmt.Sprintf("no endpoint of service %s/%s has port %d", namespace, name, port))
}
