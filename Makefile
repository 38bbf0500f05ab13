# What a person or a machine does with this repository. `make` alone lists it.
.PHONY: help setup setup-npm ok build release image generate lint format test test-unit test-kube fuzz mutate bench demo e2e bench-e2e e2e-shell clean
BIN := node_modules/.bin
TSX := $(BIN)/tsx

help: ## this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: ## npm packages and, where a tool is missing, Debian packages (root)
	@scripts/setup.sh all

setup-npm:
	@scripts/setup.sh npm

ok: lint build test ## what must hold before a push

build: setup-npm ## one Bun-compiled image in dist/bin, a hard link for each executable
	@scripts/bun.sh scripts/build.ts

release: setup-npm ## the same for linux x64, x64-baseline and arm64, in dist/release
	@scripts/bun.sh scripts/build.ts --release

image: build ## dist/spiderpool.tar: a container image of it, for `ctr images import` or `podman load`
	@scripts/image.sh localhost/spiderpool:latest dist/spiderpool.tar $(CURDIR)/dist/bin/spiderpool-controller=/bin/spiderpool-image -- /bin/spiderpool-image

generate: setup-npm ## validators, types, guards and docs/conf.md from schemas; docs/errors.md
	@$(TSX) scripts/generate.ts
	@$(TSX) scripts/errors-page.ts --write

lint: setup-npm ## formatter, types, boundaries, habits, generated code current
	@$(TSX) scripts/lint.ts

format: setup-npm ## prettier over everything
	@$(BIN)/prettier --write --log-level=warn .

test: setup ## everything: lint, build, unit tests, and as root the tests on a real kernel (under 15 minutes)
	@$(TSX) scripts/test.ts

test-unit: setup-npm ## the tests that need neither root nor the executables
	@$(TSX) scripts/test.ts --unit

KUBE ?= modern
test-kube: setup ## the tests that ask an API server, at Kubernetes of today, or 1.20 with KUBE=1.20; built once (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@scripts/k8s/cluster.sh --nodes 0 --api $(KUBE) sh -c 'SPIDERPOOL_TEST_KUBECONFIG=$$KUBECONFIG $(TSX) scripts/test.ts --kube'

fuzz: setup-npm ## ten minutes of bytes at every decoder
	@$(TSX) scripts/fuzz.ts

mutate: setup-npm ## changes each place of the rules of addresses and prints what no table notices (four minutes; one of them with FILES=)
	@$(TSX) scripts/mutate.ts $(FILES)

bench: ## the figures of the README, measured here, as a table and JSON (root)
	@scripts/setup.sh bench
	@$(TSX) scripts/build-if-stale.ts
	@unshare --net sh -c 'ip link set lo up && exec scripts/bun.sh bench/main.ts'
	@$(TSX) scripts/bench-readme.ts

demo: ## pods on two nodes are reached every way: by pods, nodes, Services and from outside (root)
	@scripts/setup.sh demo
	@$(TSX) scripts/build-if-stale.ts
	@demo/run.sh

e2e: ## the walkthrough on a real Kubernetes of two nodes, built from Debian's source package (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@e2e/run.sh $(TSX) e2e/main.ts $(CASES)

bench-e2e: ## what a pod's network costs in that cluster, beside Debian's macvlan and host-local, as a table and JSON (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@e2e/run.sh $(TSX) e2e/bench.ts

e2e-shell: ## the same cluster with Spiderpool installed, left up for a shell to look around (root)
	@scripts/setup.sh e2e
	@$(TSX) scripts/build-if-stale.ts
	@e2e/run.sh sh -c '$(TSX) e2e/main.ts --install && bash'

clean: ## what was built
	rm -rf dist .tap
