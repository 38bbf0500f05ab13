// The columns that `kubectl get` prints for a built-in kind: the name, some of its own, the age.
package main

import (
	"context"
	"fmt"
	"time"

	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/duration"
	"k8s.io/apiserver/pkg/registry/rest"
)

type column struct {
	name string
	of   func(runtime.Object) any
}

func columnOf[T any](name string, of func(*T) any) column {
	return column{name, func(object runtime.Object) any { return of(any(object).(*T)) }}
}

var printed = map[string][]column{
	"/Namespace": {columnOf("Status", func(one *core.Namespace) any { return string(one.Status.Phase) })},
	"/Node":      {columnOf("Version", func(one *core.Node) any { return one.Status.NodeInfo.KubeletVersion })},
	"/Pod": {
		columnOf("Ready", func(pod *core.Pod) any {
			ready := 0
			for _, one := range pod.Status.ContainerStatuses {
				if one.Ready {
					ready++
				}
			}
			return fmt.Sprintf("%d/%d", ready, len(pod.Spec.Containers))
		}),
		columnOf("Status", func(pod *core.Pod) any {
			if pod.DeletionTimestamp != nil {
				return "Terminating"
			}
			return string(pod.Status.Phase)
		}),
		columnOf("Restarts", func(pod *core.Pod) any {
			restarts := 0
			for _, one := range pod.Status.ContainerStatuses {
				restarts += int(one.RestartCount)
			}
			return restarts
		}),
	},
	"/ConfigMap": {columnOf("Data", func(one *core.ConfigMap) any { return len(one.Data) + len(one.BinaryData) })},
	"/Secret":    {columnOf("Type", func(one *core.Secret) any { return string(one.Type) }), columnOf("Data", func(one *core.Secret) any { return len(one.Data) })},
	"/Service":   {columnOf("Type", func(one *core.Service) any { return string(one.Spec.Type) }), columnOf("Cluster-IP", func(one *core.Service) any { return one.Spec.ClusterIP })},
	"/Event": {
		columnOf("Type", func(one *core.Event) any { return one.Type }),
		columnOf("Reason", func(one *core.Event) any { return one.Reason }),
		columnOf("Object", func(one *core.Event) any { return one.InvolvedObject.Kind + "/" + one.InvolvedObject.Name }),
		columnOf("Message", func(one *core.Event) any { return one.Message }),
	},
	"apps/Deployment": {columnOf("Ready", func(one *apps.Deployment) any {
		return fmt.Sprintf("%d/%d", one.Status.ReadyReplicas, *one.Spec.Replicas)
	})},
}

// columns puts the columns of a kind between the name and the age.
type columns struct {
	rest.TableConvertor
	more []column
}

func (c columns) ConvertToTable(ctx context.Context, object, options runtime.Object) (*metav1.Table, error) {
	table, err := c.TableConvertor.ConvertToTable(ctx, object, options)
	if err != nil {
		return nil, err
	}
	for i := range table.Rows {
		row := &table.Rows[i]
		accessor, err := meta.Accessor(row.Object.Object)
		if err != nil {
			return nil, err
		}
		row.Cells = row.Cells[:1]
		for _, one := range c.more {
			row.Cells = append(row.Cells, one.of(row.Object.Object))
		}
		row.Cells = append(row.Cells, duration.HumanDuration(time.Since(accessor.GetCreationTimestamp().Time)))
	}
	if len(table.ColumnDefinitions) > 0 {
		heads := table.ColumnDefinitions[:1:1]
		for _, one := range c.more {
			heads = append(heads, metav1.TableColumnDefinition{Name: one.name, Type: "string"})
		}
		table.ColumnDefinitions = append(heads, metav1.TableColumnDefinition{Name: "Age", Type: "string"})
	}
	return table, nil
}
