// Authentication by a token file and by client certificates, as kube-apiserver has it; an authenticated user may do everything.
package main

import (
	"context"
	"crypto/x509"
	"errors"
	"regexp"

	"github.com/spf13/pflag"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/authentication/group"
	"k8s.io/apiserver/pkg/authentication/request/anonymous"
	"k8s.io/apiserver/pkg/authentication/request/bearertoken"
	"k8s.io/apiserver/pkg/authentication/request/union"
	x509request "k8s.io/apiserver/pkg/authentication/request/x509"
	"k8s.io/apiserver/pkg/authentication/token/tokenfile"
	"k8s.io/apiserver/pkg/authentication/user"
	"k8s.io/apiserver/pkg/authorization/authorizer"
	genericserver "k8s.io/apiserver/pkg/server"
	"k8s.io/apiserver/pkg/server/dynamiccertificates"
)

type identities struct {
	tokens, clientCA string
}

func (i *identities) addFlags(flags *pflag.FlagSet) {
	flags.StringVar(&i.tokens, "token-auth-file", "", "CSV file of tokens: token,user,uid,\"groups\"")
	flags.StringVar(&i.clientCA, "client-ca-file", "", "a client certificate of this CA authenticates its common name, as a member of its organizations")
}

func (i *identities) applyTo(config *genericserver.RecommendedConfig) error {
	var all []authenticator.Request
	if i.tokens != "" {
		ofFile, err := tokenfile.NewCSV(i.tokens)
		if err != nil {
			return err
		}
		all = append(all, bearertoken.New(ofFile))
	}
	if i.clientCA != "" {
		ca, err := dynamiccertificates.NewDynamicCAContentFromFile("client-ca", i.clientCA)
		if err != nil {
			return err
		}
		if err := config.Authentication.ApplyClientCert(ca, config.SecureServing); err != nil {
			return err
		}
		verify := func() (x509.VerifyOptions, bool) { return ca.VerifyOptions() }
		all = append(all, x509request.NewDynamic(verify, x509request.CommonNameUserConversion))
	}
	if len(all) == 0 {
		return errors.New("no client could authenticate: --token-auth-file or --client-ca-file is needed")
	}
	known := group.NewAuthenticatedGroupAdder(union.New(all...))
	config.Authentication.Authenticator = union.NewFailOnError(known, anonymous.NewAuthenticator(nil))
	config.Authorization.Authorizer = authorizer.AuthorizerFunc(mayAsk)
	return nil
}

// openToAll are the paths that kube-apiserver answers without credentials.
var openToAll = regexp.MustCompile(`^/(healthz|livez|readyz|version)(/|$)`)

func mayAsk(_ context.Context, asked authorizer.Attributes) (authorizer.Decision, string, error) {
	if asked.GetUser().GetName() == user.Anonymous && (asked.IsResourceRequest() || !openToAll.MatchString(asked.GetPath())) {
		return authorizer.DecisionNoOpinion, "without credentials only the health checks and the version are answered", nil
	}
	return authorizer.DecisionAllow, "", nil
}
