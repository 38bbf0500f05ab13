// An API server for tests, assembled from Debian's packages of the Kubernetes libraries alone: CRDs, and the built-in kinds of kinds.go, over etcd.
// Its flags are those of kube-apiserver that the libraries define (--help lists them). It has no RBAC, no service account tokens, no aggregation.
package main

import (
	"fmt"
	"net"
	"os"
	"time"

	"github.com/spf13/pflag"
	"go.opentelemetry.io/otel/trace/noop"
	extensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	extensions "k8s.io/apiextensions-apiserver/pkg/apiserver"
	extensionsoptions "k8s.io/apiextensions-apiserver/pkg/cmd/server/options"
	webhookinit "k8s.io/apiserver/pkg/admission/plugin/webhook/initializer"
	openapinamer "k8s.io/apiserver/pkg/endpoints/openapi"
	genericserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/options"
	"k8s.io/apiserver/pkg/storage/storagebackend"
	"k8s.io/apiserver/pkg/util/openapi"
	"k8s.io/apiserver/pkg/util/webhook"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/component-base/logs"
)

type settings struct {
	run       *options.ServerRunOptions
	etcd      *options.EtcdOptions
	serving   *options.SecureServingOptionsWithLoopback
	features  *options.FeatureOptions
	admission *options.AdmissionOptions
	audit     *options.AuditOptions
	who       identities
	services  []string // the Service CIDRs
}

func main() {
	s := settings{
		run:       options.NewServerRunOptions(),
		etcd:      options.NewEtcdOptions(storagebackend.NewDefaultConfig("/registry", nil)),
		serving:   options.NewSecureServingOptions().WithLoopback(),
		features:  options.NewFeatureOptions(),
		admission: options.NewAdmissionOptions(),
		audit:     options.NewAuditOptions(),
	}
	flags := pflag.NewFlagSet("apiserver", pflag.ExitOnError)
	s.run.AddUniversalFlags(flags)
	s.etcd.AddFlags(flags)
	s.serving.AddFlags(flags)
	s.features.AddFlags(flags)
	s.admission.AddFlags(flags)
	s.audit.AddFlags(flags)
	s.who.addFlags(flags)
	flags.StringSliceVar(&s.services, "service-cluster-ip-range", nil, "CIDRs of the ServiceCIDR `kubernetes`")
	logs.AddFlags(flags)
	_ = flags.Parse(os.Args[1:])
	logs.InitLogs()
	defer logs.FlushLogs()
	if err := s.serve(); err != nil {
		fmt.Fprintln(os.Stderr, "apiserver:", err)
		os.Exit(1)
	}
}

// problems are the invalid flags.
func (s *settings) problems() (all []error) {
	for _, some := range [][]error{s.run.Validate(), s.etcd.Validate(), s.serving.Validate(), s.features.Validate(), s.admission.Validate(), s.audit.Validate()} {
		all = append(all, some...)
	}
	return all
}

// tried calls the steps in order until one fails.
func tried(steps ...func() error) error {
	for _, step := range steps {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func (s *settings) serve() error {
	// --feature-gates and --emulated-version take effect here.
	if err := tried(s.run.ComponentGlobalsRegistry.Set, s.run.Complete); err != nil {
		return err
	}
	if all := s.problems(); len(all) > 0 {
		return fmt.Errorf("%v", all)
	}
	config := genericserver.NewRecommendedConfig(extensions.Codecs)
	config.MergedResourceConfig = extensions.DefaultAPIResourceConfigSource()
	s.etcd.StorageConfig.StorageObjectCountTracker = config.StorageObjectCountTracker
	s.etcd.StorageConfig.Codec = extensions.Codecs.LegacyCodec(extensionsv1.SchemeGroupVersion) // for CRDs; the built-in groups have their own
	err := tried(
		func() error { return s.run.ApplyTo(&config.Config) },
		func() error { return s.etcd.ApplyTo(&config.Config) },
		func() error {
			return s.serving.MaybeDefaultWithSelfSignedCerts("localhost", []string{"kubernetes.default.svc"}, []net.IP{net.IPv4(127, 0, 0, 1)})
		},
		func() error { return s.serving.ApplyToConfig(&config.Config) },
		func() error { return s.who.applyTo(config) },
		func() error { return s.audit.ApplyTo(&config.Config) },
	)
	if err != nil {
		return err
	}
	describe(config)
	return s.assemble(config)
}

// describe serves OpenAPI 2 and 3, which kubectl reads and server-side apply merges by.
func describe(config *genericserver.RecommendedConfig) {
	definitions := openapi.GetOpenAPIDefinitionsWithoutDisabledFeatures(definitions)
	namer := openapinamer.NewDefinitionNamer(extensions.Scheme, builtinScheme)
	config.OpenAPIConfig = genericserver.DefaultOpenAPIConfig(definitions, namer)
	config.OpenAPIV3Config = genericserver.DefaultOpenAPIV3Config(definitions, namer)
}

// assemble joins CRDs, built-in kinds, admission and flow control in one server, which is its own client, and runs it until a signal.
func (s *settings) assemble(config *genericserver.RecommendedConfig) error {
	ctx := genericserver.SetupSignalContext()
	self := config.LoopbackClientConfig
	client, err := kubernetes.NewForConfig(self)
	if err != nil {
		return err
	}
	dynamicClient, err := dynamic.NewForConfig(self)
	if err != nil {
		return err
	}
	config.ClientConfig = self
	config.SharedInformerFactory = informers.NewSharedInformerFactory(client, 10*time.Minute)
	services := newResolver(config.SharedInformerFactory)
	authentication := webhook.NewDefaultAuthenticationInfoResolverWrapper(nil, nil, self, noop.NewTracerProvider())
	if err := s.features.ApplyTo(&config.Config, client, config.SharedInformerFactory); err != nil {
		return err
	}
	err = s.admission.ApplyTo(&config.Config, config.SharedInformerFactory, client, dynamicClient, config.FeatureGate, config.EffectiveVersion,
		webhookinit.NewPluginInitializer(authentication, services))
	if err != nil {
		return err
	}
	extra := extensions.ExtraConfig{
		CRDRESTOptionsGetter: extensionsoptions.NewCRDRESTOptionsGetter(*s.etcd, config.ResourceTransformers, config.StorageObjectCountTracker),
		ServiceResolver:      services,
		AuthResolverWrapper:  authentication,
	}
	server, err := (&extensions.Config{GenericConfig: config, ExtraConfig: extra}).Complete().New(genericserver.NewEmptyDelegate())
	if err != nil {
		return err
	}
	generic := server.GenericAPIServer
	if err := installBuiltins(generic, s.etcd); err != nil {
		return err
	}
	if err := serveGroups(server); err != nil {
		return err
	}
	generic.AddPostStartHookOrDie("first-objects", func(hook genericserver.PostStartHookContext) error {
		return firstObjects(hook, client, s.services)
	})
	return generic.PrepareRun().RunWithContext(ctx)
}
