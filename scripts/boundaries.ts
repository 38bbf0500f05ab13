// The table of what may import what. What is not listed is forbidden, `node:` modules included. A part may always import itself.

/** A part (a folder or a file; the longest match counts) and what else it may import: parts, packages, modules. */
export const MAY: Readonly<Record<string, readonly string[]>> = {
  'main.ts': ['lib/cni/plugin.ts', 'lib/version.ts', 'plugins', 'daemons', 'node:fs'],
  'lib/version.ts': [],
  'lib/log.ts': ['node:fs', 'node:path'],
  'lib/metrics.ts': [],
  'lib/ip': [],
  'lib/cni': ['lib/ip', 'lib/version.ts', 'lib/log.ts'],
  'lib/netlink': ['node:os'],
  'lib/plan': ['lib/ip'],
  'lib/kernel': ['lib/ip', 'lib/netlink', 'lib/plan'],
  'lib/probe': ['lib/ip'],
  'lib/crd': ['lib/ip'],
  'lib/kube': ['lib/crd', 'lib/log.ts', 'lib/version.ts'],
  'lib/ipam': ['lib/ip', 'lib/crd'],
  'plugins/macvlan-wrapper': [
    'lib/ip',
    'lib/cni',
    'lib/plan',
    'lib/kernel',
    'lib/probe',
    'lib/ipam/cni.ts',
    'lib/ipam/hint.ts',
    'lib/version.ts',
    'schemas/netconf',
  ],
  'plugins/spiderpool-ipam': [
    'lib/ip',
    'lib/cni',
    'lib/ipam',
    'lib/kernel/look.ts',
    'lib/version.ts',
    'schemas/netconf',
  ],
  'plugins/coordinator': [
    'lib/ip',
    'lib/cni',
    'lib/plan',
    'lib/kernel',
    'lib/probe',
    'lib/version.ts',
    'schemas/netconf',
  ],
  'plugins/ifacer': ['lib/ip', 'lib/cni', 'lib/plan', 'lib/kernel', 'lib/version.ts', 'schemas/netconf'],
  'daemons/controller': ['lib/ip', 'lib/crd', 'lib/kube', 'lib/ipam', 'lib/log.ts', 'lib/metrics.ts', 'lib/version.ts'],
  'daemons/controller/reconcile': ['lib/ip', 'lib/crd', 'lib/ipam'],
  'daemons/apiserver': ['lib/ip', 'lib/crd', 'lib/log.ts', 'lib/version.ts', 'schemas/crds', 'ajv', 'fast-json-patch'],
  scripts: ['*'],
  bench: ['*'],
  demo: ['*'],
  test: ['*'],
}

/** What single files may import beyond their part: where effects, Bun and heavy packages are let in. */
export const MAY_FILES: Readonly<Record<string, readonly string[]>> = {
  'lib/cni/delegate.ts': ['node:fs'],
  'lib/cni/plugin.ts': ['lib/kernel/netns.ts', 'node:fs'],
  'lib/ipam/cni.ts': ['lib/cni'],
  'lib/ipam/conf.ts': ['lib/cni/error.ts'],
  'lib/ipam/direct.ts': ['lib/kube'],
  'lib/ipam/direct-event.ts': ['lib/kube'],
  'lib/ipam/direct-wait.ts': ['lib/kube'],
  'lib/ipam/hint.ts': ['lib/cni'],
  'lib/ipam/journal.ts': ['node:fs'],
  'lib/ipam/session.ts': ['lib/cni', 'lib/kube', 'lib/log.ts'],
  'lib/ipam/verify.ts': ['lib/cni'],
  'lib/kernel/acts/sysctl.ts': ['node:fs'],
  'lib/kernel/kernel.ts': ['node:fs'],
  'lib/kernel/look.ts': ['node:fs'],
  'lib/kernel/netns.ts': ['node:fs'],
  'lib/kernel/open.ts': ['bun:ffi', 'node:fs'],
  'lib/netlink/fd-transport.ts': ['node:fs'],
  'lib/kube/open.ts': ['node:fs'],
  'daemons/controller/main.ts': ['node:crypto', 'node:fs', 'node:os'],
  'daemons/apiserver/certs.ts': ['@peculiar/x509', 'reflect-metadata'],
  'daemons/apiserver/embedded.ts': ['daemons/controller/reconcile'], // where there is no controller
  'daemons/apiserver/flags.ts': ['node:path'],
  'daemons/apiserver/folder.ts': ['node:fs', 'node:path'],
  'daemons/apiserver/history.ts': ['bun:sqlite'],
  'daemons/apiserver/indexes.ts': ['bun:sqlite'],
  'daemons/apiserver/lists.ts': ['bun:sqlite'],
  'daemons/apiserver/main.ts': ['node:fs'],
  'daemons/apiserver/openapi-v3.ts': ['node:crypto'],
  'daemons/apiserver/rest.ts': ['node:crypto'],
  'daemons/apiserver/store.ts': ['bun:sqlite'],
}

/** Where `process` may be touched. */
export const PROCESS: readonly RegExp[] = [
  /^main\.ts$/,
  /^lib\/cni\/plugin\.ts$/,
  /^daemons\/[^/]+\/main\.ts$/,
  /^(scripts|bench)\//,
  /^demo\//,
  /^test\//,
]

/** Decisions: no waiting, no clock, no chance. */
export const PURE: readonly RegExp[] = [
  /^lib\/(ip|plan|crd)\//,
  /^lib\/ipam\/(annotations|candidates|decide|endpoint|event|filter|glob|identity|network|pool|refusal|result|retention|routes|selector|sources)\.ts$/,
  /^lib\/netlink\/(wire|attrs|message|rtnl\/.*)\.ts$/,
  /^lib\/probe\/(arp|ndp|icmp)\.ts$/,
  /^plugins\/[^/]+\/plan\.ts$/,
  /^daemons\/controller\/(reconcile|webhooks)\//,
]
