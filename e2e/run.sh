#!/bin/bash
# run.sh COMMAND...: COMMAND beside a real cluster of two nodes that has our image and a busybox. The cluster is gone afterwards.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "$(id -u)" = 0 ] || { echo "e2e: namespaces need root; run: sudo make e2e" >&2; exit 1; }
[ -x dist/bin/spiderpool-controller ] || { echo "e2e: there is no dist/bin/spiderpool-controller; run: make build" >&2; exit 1; }
BUSYBOX=$(scripts/vmrun.sh --busybox)
APPLETS="busybox sh sleep cat ls ip ping ping6 wget nc httpd hostname grep touch echo mkdir"
mkdir -p dist/e2e
# shellcheck disable=SC2046 # one word an applet
scripts/image.sh localhost/busybox:1 dist/e2e/busybox.tar $(for applet in $APPLETS; do echo "$BUSYBOX=/bin/$applet"; done) -- /bin/sleep 1000000000
scripts/image.sh localhost/spiderpool:latest dist/e2e/spiderpool.tar "$PWD/dist/bin/spiderpool-controller=/bin/spiderpool-image" \
  $([ ! -e dist/bin/spiderpool-client ] || echo "$PWD/dist/bin/spiderpool-client=/bin/spiderpool-client") -- /bin/spiderpool-image
scripts/bun.sh build --compile e2e/multus.ts --outfile dist/e2e/multus >/dev/null
HELM=$(scripts/helm.sh --path) && export HELM
export MULTUS_STAND_IN=$PWD/dist/e2e/multus SPIDERPOOLCTL=$PWD/dist/bin/spiderpoolctl
# In the place of Multus' own image, for the chart's multus.multusCNI.install.
scripts/image.sh ghcr.io/k8snetworkplumbingwg/multus-cni:v4.1.4 dist/e2e/multus.tar dist/e2e/multus=/install_multus -- /install_multus
[ -z "${MULTUS_BIN:-}" ] || { MULTUS_BIN=$(realpath -e "$MULTUS_BIN") && export MULTUS_BIN; } # all pods' network then
export K8S_IMAGES="$PWD/dist/e2e/busybox.tar $PWD/dist/e2e/spiderpool.tar $PWD/dist/e2e/multus.tar"
exec scripts/k8s/cluster.sh "$@"
