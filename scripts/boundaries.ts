// The table of what may import what. What is not listed is forbidden, `node:` modules included. A
// part may always import itself.

/** Leaves that import nothing: every part may import them. */
export const LEAVES: readonly string[] = ['lib/errors.ts', 'lib/linux', 'lib/hash.ts']

/**
 * A part (a folder or a file; the longest match counts) and what else it may import: parts,
 * packages, modules.
 */
export const MAY: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['lib/cni/plugin.ts', 'lib/version.ts', 'plugins', 'daemons', 'node:fs'],
  'lib/version.ts': [],
  'lib/errors.ts': [],
  'lib/linux': [],
  'lib/hash.ts': [],
  'lib/ifname.ts': [],
  'lib/log.ts': ['lib/file-trust.ts', 'node:fs', 'node:path'],
  'lib/file-trust.ts': ['node:fs'],
  'lib/metrics.ts': [],
  'lib/edit-distance.ts': [],
  'lib/x509.ts': ['@peculiar/x509', 'reflect-metadata'],
  'lib/ip': [],
  'lib/cni': ['lib/ip', 'lib/version.ts', 'lib/log.ts', 'lib/edit-distance.ts'],
  'lib/netlink': [],
  'lib/plan': ['lib/ip'],
  'lib/kernel': ['lib/ip', 'lib/netlink', 'lib/plan'],
  'lib/probe': ['lib/ip'],
  'lib/crd': ['lib/ip', 'schemas/crds/generated'],
  'schemas/crds/generated': ['lib/crd/meta.ts', 'lib/crd/guard.ts'],
  'schemas/crds/embedded.ts': ['schemas/crds'],
  'lib/kube': ['lib/crd', 'lib/ip', 'lib/log.ts', 'lib/version.ts'],
  'lib/coordinator': ['lib/ip', 'lib/crd', 'lib/cni', 'lib/kube', 'lib/ipam/errors.ts'],
  // From the call down: cni, pod, then pools and allocation, then store.
  'lib/ipam/errors.ts': [],
  'lib/ipam/store': ['lib/ip', 'lib/crd', 'lib/kube', 'lib/ipam/errors.ts', 'node:fs'],
  'lib/ipam/allocation': ['lib/ip', 'lib/crd', 'lib/ipam/store', 'lib/ipam/errors.ts'],
  'lib/ipam/pools': [
    ...['lib/ip', 'lib/crd', 'lib/edit-distance.ts'],
    ...['lib/ipam/allocation', 'lib/ipam/store', 'lib/ipam/errors.ts'],
  ],
  'lib/ipam/pod': [
    ...['lib/ip', 'lib/crd', 'lib/cni', 'lib/probe'],
    ...['lib/ipam/pools', 'lib/ipam/allocation', 'lib/ipam/store', 'lib/ipam/errors.ts'],
  ],
  'lib/ipam/cni': [
    ...['lib/ip', 'lib/crd', 'lib/cni', 'lib/kube', 'lib/log.ts', 'lib/version.ts'],
    ...['lib/ipam', 'lib/probe/finding.ts', 'schemas/netconf', 'node:fs'],
  ],
  'plugins/macvlan-wrapper': [
    'lib/ip',
    'lib/cni',
    'lib/plan',
    'lib/kernel',
    'lib/probe',
    'lib/ipam/cni/add-del.ts',
    'lib/ipam/cni/gc.ts',
    'lib/ipam/cni/status.ts',
    'lib/version.ts',
    'schemas/netconf',
  ],
  'plugins/spiderpool-ipam': [
    'lib/ip',
    'lib/cni',
    'lib/ipam',
    'lib/kernel/netns-identity.ts',
    'lib/kernel/local-addresses.ts',
    'lib/kernel/run-probe.ts',
    'lib/kernel/master-addresses.ts',
    'lib/version.ts',
    'schemas/netconf',
  ],
  'plugins/coordinator': [
    'lib/ip',
    'lib/cni',
    'lib/plan',
    'lib/kernel',
    'lib/probe',
    'lib/coordinator/cluster-config.ts',
    'lib/ipam/errors.ts',
    'lib/log.ts',
    'lib/version.ts',
    'schemas/netconf',
  ],
  'plugins/ifacer': [
    'lib/ip',
    'lib/cni',
    'lib/plan',
    'lib/kernel',
    'lib/ifname.ts',
    'lib/log.ts',
    'lib/version.ts',
    'schemas/netconf',
  ],
  'daemons/runtime': ['lib/crd', 'lib/kube', 'lib/log.ts', 'lib/metrics.ts'],
  'daemons/controller': [
    'daemons/runtime',
    'lib/ip',
    'lib/crd',
    'lib/kube',
    'lib/ipam',
    'lib/log.ts',
    'lib/metrics.ts',
    'lib/edit-distance.ts',
    'lib/version.ts',
    'lib/x509.ts',
  ],
  'daemons/controller/webhooks': [
    ...['lib/crd', 'lib/kube', 'lib/log.ts', 'lib/x509.ts', 'fast-json-patch'],
    ...['daemons/controller', 'daemons/runtime'],
  ],
  'daemons/controller/runtime': ['daemons/runtime', 'lib/crd', 'lib/kube', 'lib/log.ts', 'lib/metrics.ts'],
  'daemons/controller/reconcilers': [
    ...['lib/ip', 'lib/crd', 'lib/kube', 'lib/ipam', 'lib/ifname.ts', 'lib/log.ts', 'lib/metrics.ts'],
    ...['daemons/controller', 'daemons/runtime'],
  ],
  'daemons/init': ['lib/ip', 'lib/crd', 'lib/kube', 'lib/log.ts', 'lib/version.ts'],
  'daemons/install': ['lib/log.ts', 'lib/version.ts'],
  'daemons/apiserver': ['lib/ip', 'lib/crd', 'lib/log.ts', 'lib/version.ts', 'schemas/crds', 'ajv', 'fast-json-patch'],
  scripts: ['*'],
  bench: ['*'],
  demo: ['*'],
  e2e: ['*'],
  test: ['*'],
}

/**
 * What single files may import beyond their part: where effects, Bun and heavy packages are let in.
 */
export const MAY_FILES: Readonly<Record<string, readonly string[]>> = {
  'lib/cni/delegate.ts': ['node:fs'],
  'lib/cni/allowed-files.ts': ['lib/kube/entry.ts', 'lib/file-trust.ts', 'node:fs'],
  'lib/cni/plugin.ts': ['lib/kernel/netns.ts', 'node:fs'],
  'lib/crd/multuswarnings.ts': [
    'lib/cni/conf.ts',
    'lib/cni/unknown-keys.ts',
    'lib/edit-distance.ts',
    'schemas/netconf',
  ],
  'lib/kernel/acts/sysctl.ts': ['node:fs'],
  'lib/kernel/run-probe.ts': ['lib/probe'],
  'lib/kernel/netns-identity.ts': ['node:fs'],
  'lib/kernel/kernel.ts': ['node:fs'],
  'lib/kernel/master-addresses.ts': ['node:fs'],
  'lib/kernel/netns.ts': ['node:fs'],
  'lib/kernel/sockets.ts': ['bun:ffi', 'node:fs', 'node:path'],
  'lib/kernel/packet-socket.ts': ['node:fs'],
  'lib/kernel/random.ts': ['node:fs'],
  'lib/kernel/global-addresses.ts': ['node:fs'],
  'lib/netlink/fd-transport.ts': ['node:fs'],
  'plugins/ifacer/link-users.ts': ['node:fs'],
  'plugins/ifacer/networkmanager.ts': ['node:fs'],
  'lib/kube/open.ts': ['node:fs'],
  'daemons/controller/reconcilers/coordinator/reconcile.ts': ['node:fs'],
  'daemons/init/main.ts': ['node:fs', 'node:path'],
  'daemons/install/main.ts': ['node:fs', 'node:path'],
  'daemons/controller/webhooks/start.ts': ['node:fs', 'node:path'],
  'daemons/controller/webhooks/server.ts': ['node:net', 'node:tls'],
  'daemons/controller/flags.ts': ['node:util'],
  'daemons/controller/main.ts': ['schemas/crds/embedded.ts', 'node:crypto', 'node:fs', 'node:os'],
  'daemons/apiserver/tls.ts': ['lib/x509.ts'],
  'daemons/apiserver/http/connections.ts': ['bun:ffi', 'node:fs'],
  'daemons/apiserver/pool-status.ts': ['daemons/controller/reconcilers/ippool'], // where there is no controller
  'daemons/apiserver/flags.ts': ['node:path', 'node:util'],
  'daemons/apiserver/data-dir.ts': ['node:fs', 'node:path'],
  'daemons/apiserver/storage/history.ts': ['bun:sqlite'],
  'daemons/apiserver/storage/indexes.ts': ['bun:sqlite'],
  'daemons/apiserver/storage/rows.ts': ['bun:sqlite'],
  'daemons/apiserver/main.ts': ['node:fs'],
  'daemons/apiserver/openapi/v3.ts': ['node:crypto'],
  'daemons/apiserver/http/handler.ts': ['node:crypto'],
  'daemons/apiserver/storage/store.ts': ['bun:sqlite'],
}

/** Where `process` may be touched. */
export const PROCESS: readonly RegExp[] = [
  /^main\.ts$/,
  /^lib\/cni\/plugin\.ts$/,
  /^daemons\/[^/]+\/main\.ts$/,
  /^(scripts|bench)\//,
  /^(demo|e2e)\//,
  /^test\//,
]

/**
 * Decisions: no waiting, no clock, no randomness. A folder is pure; what it performs is named
 * behind `?!`.
 */
export const PURE: readonly RegExp[] = [
  /^lib\/(ip|plan|crd)\//,
  /^lib\/ipam\/errors\.ts$/,
  /^lib\/ipam\/pools\/(?!(usable|requested|subnet|annotation-typos)\.ts)/,
  /^lib\/ipam\/allocation\/(?!(allocate|publish|quarantine)\.ts)/,
  /^lib\/netlink\/(?!(conn|fd-transport|errno)\.ts)/,
  /^lib\/probe\/(?!(announce|exchange|frame|ethernet)\.ts)/,
  /^plugins\/coordinator\/(?!(main|verbs|observe|dry-run|conflict)\.ts)/,
  /^plugins\/ifacer\/(?!(main|verbs|del|links|link-users|log|mutate|networkmanager)\.ts)/,
  /^plugins\/macvlan-wrapper\/(?!(main|verbs|add|check|ipam)\.ts)/,
  /^daemons\/controller\/reconcilers\/[^/]+\/(?!(reconcile|context|events|metrics)\.ts)/,
  /^daemons\/controller\/crds\/decide\.ts$/,
  /^daemons\/controller\/webhooks\/(cert-plan|configurations|node-policy|review|pods-conf)\.ts$/,
  /^daemons\/(init|install)\/plan\.ts$/,
]
