// Namespaces: a deleted one is first Terminating, and is removed when its spec.finalizers are removed at /finalize. The namespace controller of
// kube-controller-manager does that once the namespace is empty.
package main

import (
	"context"

	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/internalversion"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apiserver/pkg/registry/rest"
	"k8s.io/apiserver/pkg/storage"
	"k8s.io/apiserver/pkg/util/dryrun"
)

type namespaces struct{ store }

func isEmptied(_ context.Context, _ string, object, _ runtime.Object) bool {
	namespace := object.(*core.Namespace)
	return namespace.DeletionTimestamp != nil && len(namespace.Spec.Finalizers) == 0 && len(namespace.Finalizers) == 0
}

func (n namespaces) Delete(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	found, err := n.Get(ctx, name, &metav1.GetOptions{})
	if err != nil {
		return nil, false, err
	}
	namespace := found.(*core.Namespace)
	switch {
	case namespace.DeletionTimestamp == nil:
		return n.terminate(ctx, name, validate, options)
	case len(namespace.Spec.Finalizers) > 0:
		return namespace, false, nil
	}
	return n.Store.Delete(ctx, name, validate, options)
}

func (n namespaces) terminate(ctx context.Context, name string, validate rest.ValidateObjectFunc, options *metav1.DeleteOptions) (runtime.Object, bool, error) {
	key, err := n.KeyFunc(ctx, name)
	if err != nil {
		return nil, false, err
	}
	wanted := storage.Preconditions{}
	if options.Preconditions != nil {
		wanted.UID, wanted.ResourceVersion = options.Preconditions.UID, options.Preconditions.ResourceVersion
	}
	out := n.NewFunc()
	err = n.Storage.GuaranteedUpdate(ctx, key, out, false, &wanted, func(existing runtime.Object, _ storage.ResponseMeta) (runtime.Object, *uint64, error) {
		if err := validate(ctx, existing); err != nil {
			return nil, nil, err
		}
		namespace := existing.(*core.Namespace)
		if namespace.DeletionTimestamp == nil {
			now := metav1.Now()
			namespace.DeletionTimestamp = &now
		}
		namespace.Status.Phase = core.NamespaceTerminating
		return namespace, nil, nil
	}, dryrun.IsDryRun(options.DryRun), nil)
	if err != nil {
		if errors.ReasonForError(err) == metav1.StatusReasonUnknown {
			err = errors.NewConflict(n.DefaultQualifiedResource, name, err)
		}
		return nil, false, err
	}
	return out, false, nil
}

func (n namespaces) DeleteCollection(context.Context, rest.ValidateObjectFunc, *metav1.DeleteOptions, *internalversion.ListOptions) (runtime.Object, error) {
	return nil, errors.NewMethodNotSupported(n.DefaultQualifiedResource, "deletecollection")
}
