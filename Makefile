# Targets for people and CI; `make` alone lists them.
.PHONY: docs help setup setup-npm ok build release image chart generate lint format test test-unit test-kube test-agent test-release test-console test-dashboards fuzz mutate bench bench-kube bench-ctl bench-scale trace demo e2e bench-e2e e2e-shell clean
BIN := node_modules/.bin
TSX := $(BIN)/tsx

help: ## list of targets
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## installs npm packages and missing Debian packages (root)
	@scripts/setup.sh all

setup-npm:
	@scripts/setup.sh npm

ok: lint build test ## lint, build and test: before every push

build: setup-npm ## compiles dist/bin with Bun: one file, a hard link per executable; dist/client with Debian's compiler
	@scripts/bun.sh scripts/build.ts
	@scripts/bun.sh scripts/client.ts

release: setup-npm ## dist/release: chart, image, CRDs, manifest, executables for amd64 and arm64, SBOM, checksums
	@$(TSX) scripts/release/main.ts --release

image: setup-npm ## dist/oci and dist/spiderpool.tar, an OCI image for amd64 and arm64, with its SBOM: `ctr images import`, `podman load`
	@$(TSX) scripts/release/main.ts

chart: setup-npm ## dist/spiderpool-VERSION.tgz, the Helm chart
	@mkdir -p dist && $(TSX) scripts/release/main.ts --chart

generate: setup-npm ## validators, types, guards and docs/conf.md from schemas; docs/errors.md, docs/cli.md
	@$(TSX) scripts/generate.ts
	@$(TSX) scripts/errors-page.ts --write
	@$(TSX) scripts/ctl-page.ts --write

docs: setup-npm ## dist/site, the static site of docs/ (VitePress), after its links are checked
	@$(TSX) scripts/check-docs.ts
	@cd site && npm ci --no-audit --no-fund --loglevel=error && npx vitepress build .

lint: setup-npm ## formatter, types, boundaries, habits, language, generated code
	@$(TSX) scripts/lint.ts

format: setup-npm ## formats everything with prettier
	@$(BIN)/prettier --write --log-level=warn .

test: setup ## lint, build, unit tests, and as root the tests on a real kernel (under 15 minutes)
	@$(TSX) scripts/test.ts

test-unit: setup-npm ## tests that need neither root nor the executables
	@$(TSX) scripts/test.ts --unit

# Without failures*.e2e.test.ts, which trace the executable, and cluster.e2e.test.ts, which needs no agent.
VIA_AGENT = $(filter-out %/cluster.e2e.test.ts %/failures.e2e.test.ts %/failures-further.e2e.test.ts %/kills.e2e.test.ts, \
  $(wildcard test/plugins/*/*.e2e.test.ts)) test/e2e/detect.e2e.test.ts test/e2e/whole-schedules.e2e.test.ts

KUBE ?= modern
test-kube: setup ## tests with an API server, against Kubernetes 1.36, or 1.20 with KUBE=1.20; built once (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@scripts/k8s/cluster.sh --nodes 0 --api $(KUBE) sh -c 'SPIDERPOOL_TEST_KUBECONFIG=$$KUBECONFIG $(TSX) scripts/test.ts --kube'

test-dashboards: setup ## runs every query of the dashboards in Debian's Prometheus, which scrapes an agent and a controller (root)
	@$(TSX) scripts/build-if-stale.ts
	@SPIDERPOOL_TEST_DASHBOARDS=1 TAP_TIMEOUT=120 node --import=tsx test/daemons/metrics.e2e.test.ts

test-release: release ## tests the release: checksums, same bytes twice, images in podman and containerd, arm64 (root)
	@SPIDERPOOL_TEST_RELEASE=1 TAP_TIMEOUT=600 node --import=tsx test/release/release.e2e.test.ts

test-agent: setup ## the plugins' suites again, each call by an agent on the node, and long schedules (root)
	@$(TSX) scripts/build-if-stale.ts
	@SPIDERPOOL_TEST_VIA=agent WHOLE_SEEDS=1-10 $(BIN)/tap run --timeout=900 $(VIA_AGENT)

test-console: setup ## the console in Debian's Chromium: views, keyboard, dark mode, time of paint and map (root)
	@command -v chromium >/dev/null || apt-get install -y -qq --no-install-recommends chromium
	@$(TSX) scripts/build-if-stale.ts
	@TAP_TIMEOUT=300 node --import=tsx test/cmd/ctl/console/browser.ts

fuzz: setup-npm ## fuzzes every decoder for ten minutes
	@$(TSX) scripts/fuzz.ts

mutate: setup-npm ## runs mutants of the uniqueness rules and prints survivors (four minutes; some files with FILES=)
	@$(TSX) scripts/mutate.ts $(FILES)

bench: ## measures and rewrites docs/benchmarks.md and the README's figures (root)
	@scripts/setup.sh bench
	@$(TSX) scripts/build-if-stale.ts
	@unshare --net sh -c 'ip link set lo up && exec scripts/bun.sh bench/main.ts'
	@$(TSX) scripts/bench-readme.ts

bench-kube: ## measures against Kubernetes 1.36 and etcd with fsync, beside macvlan and host-local; some with ROWS= (root)
	@scripts/setup.sh bench && scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@scripts/k8s/cluster.sh --nodes 0 --api modern scripts/bun.sh bench/kube/main.ts $(ROWS)
	@$(TSX) scripts/bench-kube-page.ts

bench-ctl: ## measures every command of spiderpoolctl on 10,000 pods and 200 pools, and writes docs/benchmarks.md (root)
	@$(TSX) scripts/build-if-stale.ts
	@$(TSX) bench/ctl/main.ts && $(TSX) scripts/bench-ctl-page.ts

bench-scale: ## measures the controller at 10,000 and 100,000 addresses and pods, or at SIZES=
	@$(TSX) scripts/build-if-stale.ts
	@scripts/bun.sh bench/scale/main.ts $(SIZES)

trace: ## spiderpoolctl trace beside the real ADD in 200 generated situations (root)
	@$(TSX) scripts/build-if-stale.ts
	@TRACES=200 TAP_TIMEOUT=1800 node --import=tsx test/cmd/ctl/trace/agreement.e2e.test.ts

demo: ## pods on two nodes, reached by pods, nodes, Services and from outside (root)
	@scripts/setup.sh demo
	@$(TSX) scripts/build-if-stale.ts
	@demo/run.sh

e2e: ## the cases of e2e/ on a Kubernetes of two nodes, built from Debian's source; some with CASES= (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@e2e/run.sh $(TSX) e2e/main.ts $(CASES)

bench-e2e: ## measures a pod's network in that cluster, beside Debian's macvlan and host-local (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@e2e/run.sh $(TSX) e2e/bench.ts

e2e-shell: ## a shell in that cluster with Spiderpool installed (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@e2e/run.sh sh -c '$(TSX) e2e/main.ts --install && bash'

clean: ## removes dist and .tap
	rm -rf dist .tap
