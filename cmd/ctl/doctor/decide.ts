// What `doctor` finds in a cluster. Pure.
import { keysOf } from '../../../lib/ipam/json-keys.js'
import { isPattern, patternOf } from '../../../lib/ipam/pools/glob.js'
import { selects } from '../../../lib/ipam/pools/label-selector.js'
import type { SpiderIPPool } from '../../../lib/crd/types.js'
import { SPIDERPOOL_GROUP, SPIDERPOOL_VERSION } from '../../../lib/crd/names.js'
import { overlapsOf } from '../pool/decide.js'
import type { ClusterFacts, Finding, NadObject } from './facts.js'

const DAY_MS = 86_400_000
const DAYS_WARNING = 14
const ADMIN = 'helm upgrade --install spiderpool charts/spiderpool'

/** Plurals of the kinds that an ADD or the controller needs. */
export const NEEDED_CRDS: readonly string[] = [
  ...['spiderippools', 'spiderreservedips', 'spideripaddresses', 'spiderendpoints'].map(
    one => `${one}.${SPIDERPOOL_GROUP}`,
  ),
  ...['spidersubnets', 'spidercoordinators', 'spidermultusconfigs'].map(one => `${one}.${SPIDERPOOL_GROUP}`),
  'network-attachment-definitions.k8s.cni.cncf.io',
]

/** Everything that is wrong in the cluster. */
export function findingsOf(facts: ClusterFacts): readonly Finding[] {
  return [
    ...rights(facts),
    ...crds(facts),
    ...webhooks(facts),
    ...leader(facts),
    ...agents(facts),
    ...coordinator(facts),
    ...networks(facts),
    ...pools(facts),
    ...overlaps(facts),
  ]
}

const rights = ({ lacking }: ClusterFacts): readonly Finding[] =>
  lacking.map(right => ({
    check: 'rights',
    object: 'RBAC',
    what: `this user may not ${right}`,
    why: 'what depends on it was not looked at',
    mend: `kubectl create clusterrole spiderpool-doctor --verb=${right.split(' ')[0] ?? ''} --resource=${right.split(' ')[1] ?? ''}, and bind it to this user`,
    isNote: true,
  }))

function crds({ crds: found }: ClusterFacts): readonly Finding[] {
  return Object.entries(found ?? {}).flatMap(([name, crd]): readonly Finding[] => {
    const object = `customresourcedefinition/${name}`
    const of = (what: string): Finding => ({
      check: 'crds',
      object,
      what,
      why: 'no pod gets an address, or no network is made',
      mend: ADMIN,
    })
    if (crd === null) return [of('it does not exist')]
    const served = (crd.spec?.versions ?? []).filter(version => version.served === true).map(version => version.name)
    const wanted = name.endsWith(SPIDERPOOL_GROUP) ? SPIDERPOOL_VERSION : 'v1'
    if (!served.includes(wanted)) return [of(`it serves ${served.join(', ') || 'no version'}, not ${wanted}`)]
    const established = crd.status?.conditions?.find(({ type }) => type === 'Established')
    return established?.status === 'False' ? [of(`the API server does not serve it: ${established.message ?? ''}`)] : []
  })
}

function webhooks(facts: ClusterFacts): readonly Finding[] {
  const { now, admission, certificates, endpoints } = facts
  const why =
    'objects that are not validated could give one address to two pods; with failurePolicy Fail nothing can be written'
  const restart = `kubectl -n ${facts.agentNamespace} rollout restart deployment/spiderpool-controller`
  const found: Finding[] = []
  if (facts.webhooks?.length === 0 && admission.kind !== 'failed')
    found.push({
      check: 'webhooks',
      object: 'validatingwebhookconfiguration',
      what: 'no webhook of Spiderpool is registered',
      why,
      mend: restart,
      isNote: true,
    })
  for (const { metadata, webhooks: hooks = [] } of facts.webhooks ?? [])
    for (const service of new Set(
      hooks.flatMap(({ clientConfig }) =>
        clientConfig?.service ? [`${clientConfig.service.namespace}/${clientConfig.service.name}`] : [],
      ),
    ))
      if (endpoints[service] === 0)
        found.push({
          check: 'webhooks',
          object: metadata.name,
          what: `Service ${service} has no ready endpoint`,
          why,
          mend: restart,
        })
  if (admission.kind === 'failed')
    found.push({
      check: 'webhooks',
      object: 'spiderippool',
      what: `a pool that is not stored was refused: ${admission.message}`,
      why,
      mend: restart,
    })
  for (const { of, notAfter } of certificates) {
    const days = Math.floor((notAfter - now) / DAY_MS)
    if (days >= DAYS_WARNING) continue
    const what = days < 0 ? `it has expired ${-days} days ago` : `it expires in ${days} days`
    found.push({
      check: 'certificates',
      object: of,
      what,
      why,
      mend: restart,
      ...(days >= 0 && { isNote: true as const }),
    })
  }
  return found
}

function leader({ lease, now, agentNamespace }: ClusterFacts): readonly Finding[] {
  if (lease === undefined) return []
  const object = `lease/${lease?.metadata.name ?? 'spiderpool-controller-leases'}`
  const why = 'nothing reclaims addresses, counts pools or makes networks'
  const mend = `kubectl -n ${agentNamespace} get pods -l app.kubernetes.io/component=spiderpool-controller`
  if (lease === null || (lease.spec?.holderIdentity ?? '') === '')
    return [{ check: 'leader', object, what: 'no controller leads', why, mend }]
  const age = now - Date.parse(lease.spec?.renewTime ?? '')
  const limit = (lease.spec?.leaseDurationSeconds ?? 15) * 2_000
  if (!(age > limit)) return []
  return [
    {
      check: 'leader',
      object,
      what: `${lease.spec?.holderIdentity ?? ''} renewed it ${Math.round(age / 1000)} s ago`,
      why,
      mend,
    },
  ]
}

function agents({ agents: pods, nodes, hasAgents, agentNamespace }: ClusterFacts): readonly Finding[] {
  if (!hasAgents || !pods) return []
  const on = new Map(pods.map(pod => [pod.spec?.nodeName ?? '', pod]))
  const why = 'its executables take the slower direct way, or fail where they have no kubeconfig'
  const found: Finding[] = []
  for (const { metadata } of nodes ?? []) {
    const pod = on.get(metadata.name)
    const isReady = pod?.status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True')
    const mend = `kubectl -n ${agentNamespace} ${pod ? `logs ${pod.metadata.name}` : 'describe daemonset spiderpool-agent'}`
    if (!pod) found.push({ check: 'agents', object: `node/${metadata.name}`, what: 'no agent is on it', why, mend })
    else if (isReady !== true)
      found.push({
        check: 'agents',
        object: `pod/${pod.metadata.name}`,
        what: `the agent of ${metadata.name} is not ready (${pod.status?.phase ?? 'Pending'})`,
        why,
        mend,
      })
  }
  const images = new Map<string, string[]>()
  for (const pod of pods) {
    const image = pod.spec?.containers?.[0]?.image ?? ''
    images.set(image, [...(images.get(image) ?? []), pod.spec?.nodeName ?? ''])
  }
  if (images.size > 1) {
    const what = `agents of ${images.size} versions: ${[...images].map(([image, on]) => `${image} on ${on.length} nodes`).join(', ')}`
    const mend = `kubectl -n ${agentNamespace} rollout status daemonset/spiderpool-agent`
    found.push({
      check: 'agents',
      object: 'daemonset/spiderpool-agent',
      what,
      why: 'a roll-out has not ended',
      mend,
      isNote: true,
    })
  }
  return found
}

function coordinator({ coordinator: one, hasKubeadmConfig }: ClusterFacts): readonly Finding[] {
  if (one === undefined) return []
  const object = 'spidercoordinator/default'
  const why = 'an ADD of the coordinator plugin fails until it is Synced'
  if (one === null) return [{ check: 'coordinator', object, what: 'it does not exist', why, mend: ADMIN }]
  const { phase = 'missing', reason = '' } = one.status ?? {}
  if (phase === 'Synced') return []
  const source = one.spec?.podCIDRType ?? 'auto'
  const hint =
    hasKubeadmConfig === false && (source === 'auto' || source === 'cluster')
      ? 'there is no ConfigMap kube-system/kubeadm-config: kubectl patch spidercoordinator default --type=merge -p \'{"spec":{"podCIDRType":"none"}}\', with hijackCIDR for the CIDRs'
      : 'kubectl describe spidercoordinator default'
  return [
    {
      check: 'coordinator',
      object,
      what: `its phase is ${phase}${reason === '' ? '' : `: ${reason}`}`,
      why,
      mend: hint,
    },
  ]
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? keysOf(value).get(key) : undefined

/** The plugins of a conf, or undefined where it is not JSON. */
export function pluginsOf({ spec }: NadObject): readonly unknown[] | undefined {
  try {
    const conf: unknown = JSON.parse(spec?.config ?? '')
    const listed = fieldOf(conf, 'plugins')
    return Array.isArray(listed) ? (listed as unknown[]) : [conf]
  } catch {
    return undefined // Multus refuses it too
  }
}

/** Types of the executables that a conf calls, IPAM plugins too. */
export const typesIn = (plugins: readonly unknown[]): readonly string[] =>
  plugins
    .flatMap(one => [fieldOf(one, 'type'), fieldOf(fieldOf(one, 'ipam'), 'type')])
    .filter((type): type is string => typeof type === 'string' && type !== '')

function networks({ nads, pools: all, clusterNetwork, agentNamespace }: ClusterFacts): readonly Finding[] {
  if (!nads) return []
  const found: Finding[] = []
  const names = new Set(nads.map(({ metadata }) => `${metadata.namespace ?? ''}/${metadata.name}`))
  const network =
    clusterNetwork === '' || clusterNetwork.includes('/') ? clusterNetwork : `${agentNamespace}/${clusterNetwork}`
  if (network !== '' && !names.has(network))
    found.push({
      check: 'multus',
      object: `network-attachment-definition/${network}`,
      what: 'MULTUS_CLUSTER_NETWORK names it, and it does not exist',
      why: 'Multus starts no pod without an annotation',
      mend: `create a SpiderMultusConfig ${network}`,
    })
  for (const nad of nads) {
    const object = `network-attachment-definition/${nad.metadata.namespace ?? ''}/${nad.metadata.name}`
    const plugins = (nad.spec?.config ?? '') === '' ? [] : pluginsOf(nad)
    const mend = `kubectl -n ${nad.metadata.namespace ?? ''} edit network-attachment-definition ${nad.metadata.name}, or its SpiderMultusConfig`
    if (!plugins) {
      found.push({
        check: 'networks',
        object,
        what: 'its spec.config is not JSON',
        why: 'Multus refuses each pod that names it',
        mend,
      })
      continue
    }
    const known = all && new Set(all.map(({ metadata }) => metadata.name))
    for (const name of known ? poolNamesIn(plugins) : [])
      if (!isKnown(name, known ?? new Set()))
        found.push({
          check: 'networks',
          object,
          what: `it names SpiderIPPool ${name}, which does not exist`,
          why: 'a pod without an annotation gets no address in it',
          mend,
        })
  }
  return found
}

const poolNamesIn = (plugins: readonly unknown[]): readonly string[] =>
  plugins.flatMap(one =>
    ['default_ipv4_ippool', 'default_ipv6_ippool'].flatMap(key => {
      const names = fieldOf(fieldOf(one, 'ipam'), key)
      return Array.isArray(names) ? names.filter((name): name is string => typeof name === 'string') : []
    }),
  )

function isKnown(name: string, known: ReadonlySet<string>): boolean {
  if (!isPattern(name)) return known.has(name)
  try {
    const pattern = patternOf(name)
    return [...known].some(one => pattern.test(one))
  } catch {
    return false // the pattern ends in the middle
  }
}

function pools(facts: ClusterFacts): readonly Finding[] {
  return (facts.pools ?? []).flatMap(pool => {
    const object = `spiderippool/${pool.metadata.name}`
    const edit = `kubectl edit spiderippool ${pool.metadata.name}`
    return neverMatches(pool, facts).map(what => ({
      check: 'pools',
      object,
      what,
      why: 'no pod can use the pool',
      mend: edit,
    }))
  })
}

/** Each reason why no pod of the cluster as it is can use the pool. */
function neverMatches({ spec, metadata }: SpiderIPPool, facts: ClusterFacts): readonly string[] {
  if (metadata.deletionTimestamp !== undefined || spec.disable === true) return []
  const { nodes, namespaces, nads, agentNamespace } = facts
  const reasons: string[] = []
  const none = (
    names: readonly string[] | undefined,
    all: readonly { readonly metadata: { readonly name: string } }[] | undefined,
  ): boolean => all !== undefined && (names ?? []).length > 0 && !all.some(one => names?.includes(one.metadata.name))
  if (none(spec.nodeName, nodes))
    reasons.push(`spec.nodeName (${(spec.nodeName ?? []).join(', ')}) names no node of the cluster`)
  if (
    (spec.nodeName ?? []).length === 0 &&
    spec.nodeAffinity &&
    nodes &&
    !nodes.some(one => selects(spec.nodeAffinity ?? {}, one.metadata.labels ?? {}))
  )
    reasons.push('spec.nodeAffinity selects no node of the cluster')
  if (none(spec.namespaceName, namespaces))
    reasons.push(`spec.namespaceName (${(spec.namespaceName ?? []).join(', ')}) names no namespace of the cluster`)
  if (
    (spec.namespaceName ?? []).length === 0 &&
    spec.namespaceAffinity &&
    namespaces &&
    !namespaces.some(one => selects(spec.namespaceAffinity ?? {}, one.metadata.labels ?? {}))
  )
    reasons.push('spec.namespaceAffinity selects no namespace of the cluster')
  const networks = (spec.multusName ?? []).map(name => (name.includes('/') ? name : `${agentNamespace}/${name}`))
  const known = nads && new Set(nads.map(one => `${one.metadata.namespace ?? ''}/${one.metadata.name}`))
  if (known && networks.length > 0 && !networks.some(name => known.has(name)))
    reasons.push(`spec.multusName (${networks.join(', ')}) names no NetworkAttachmentDefinition`)
  if ((spec.ips ?? []).length === 0) reasons.push('spec.ips is empty')
  return reasons
}

function overlaps({ pools: all, subnets, reserved, nodes, coordinator: one }: ClusterFacts): readonly Finding[] {
  if (!all) return []
  const { serviceCIDR = [], overlayPodCIDR: podCIDR = [] } = one?.status ?? {}
  const input = {
    pools: all,
    subnets: subnets ?? [],
    nodes: nodes ?? [],
    reserved: reserved ?? [],
    serviceCIDR,
    podCIDR,
  }
  return overlapsOf(input).map(({ pool, with: other, addresses, why }) => ({
    check: 'overlap',
    object: pool.startsWith('subnet ') ? pool.replace('subnet ', 'spidersubnet/') : `spiderippool/${pool}`,
    what: `it overlaps with ${other}${addresses.length > 0 ? ` at ${addresses.join(', ')}` : ''}`,
    why,
    mend: `spiderpoolctl pool overlap; then edit spec.ips or spec.excludeIPs`,
  }))
}
