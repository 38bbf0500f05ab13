// Discovery: groups, versions and resources, legacy and aggregated.
import { apiVersionOf, type KindInfo } from '../schema/kinds.js'
import { hasScale, SCALE, SCALE_VERBS } from '../registry/scale.js'

const VERBS = ['create', 'delete', 'deletecollection', 'get', 'list', 'patch', 'update', 'watch'] as const
const STATUS_VERBS = ['get', 'patch', 'update'] as const

/** GET /api. */
export const apiVersions = (address: string): object => ({
  kind: 'APIVersions',
  versions: ['v1'],
  serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
})

interface Group {
  readonly name: string
  readonly versions: readonly string[]
  readonly kinds: readonly KindInfo[]
}

/** Groups in the order of their kinds; versions by priority, stable ones first. */
function groupsOf(kinds: readonly KindInfo[]): readonly Group[] {
  const names = [...new Set(kinds.map(kind => kind.group))]
  return names.map(name => {
    const members = kinds.filter(kind => kind.group === name)
    return { name, versions: [...new Set(members.map(kind => kind.version))].sort(byPriority), kinds: members }
  })
}

const VERSION = /^v(\d+)(?:(alpha|beta)(\d+))?$/
const RANKS: Readonly<Record<string, number>> = { alpha: 1, beta: 2 }

/**
 * CompareKubeAwareVersionStrings of apimachinery: v2, v1, v1beta2, v1beta1, v1alpha1, then by name.
 */
function byPriority(a: string, b: string): number {
  const [left, right] = [rankOf(a), rankOf(b)]
  for (const i of [0, 1, 2] as const) if (left[i] !== right[i]) return right[i] - left[i]
  return a < b ? -1 : 1
}
function rankOf(version: string): readonly [number, number, number] {
  const [, major, stage, minor] = VERSION.exec(version) ?? []
  if (major === undefined) return [0, 0, 0]
  return stage === undefined ? [3, Number(major), 0] : [RANKS[stage] ?? 0, Number(major), Number(minor)]
}

/** The versions of a group by priority; the first is preferred. */
export const versionsOf = (kinds: readonly KindInfo[], group: string): readonly string[] =>
  groupsOf(kinds).find(({ name }) => name === group)?.versions ?? []

const versionEntry = (group: string, version: string): object => ({
  groupVersion: apiVersionOf({ group, version }),
  version,
})

function apiGroup({ name, versions }: Group): object {
  const entries = versions.map(version => versionEntry(name, version))
  return { name, versions: entries, ...(entries[0] && { preferredVersion: entries[0] }) }
}

/** GET /apis. */
export const apiGroupList = (kinds: readonly KindInfo[]): object => ({
  kind: 'APIGroupList',
  apiVersion: 'v1',
  groups: groupsOf(kinds)
    .filter(({ name }) => name !== '')
    .map(apiGroup),
})

/** GET /apis/<group>; undefined if no kind has this group. */
export function apiGroupOf(kinds: readonly KindInfo[], group: string): object | undefined {
  const found = group === '' ? undefined : groupsOf(kinds).find(({ name }) => name === group)
  return found && { kind: 'APIGroup', apiVersion: 'v1', ...apiGroup(found) }
}

/** GET /api/v1 and /apis/<group>/<version>; undefined if no kind has this version. */
export function apiResourceList(kinds: readonly KindInfo[], group: string, version: string): object | undefined {
  const members = kinds.filter(kind => kind.group === group && kind.version === version)
  if (members.length === 0) return undefined
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion: apiVersionOf({ group, version }),
    resources: members.flatMap(resourcesOf),
  }
}

function resourcesOf(of: KindInfo): readonly object[] {
  const { plural, singular, kind, namespaced, shortNames, categories, hasStatus, verbs = VERBS } = of
  const main = {
    name: plural,
    singularName: singular,
    namespaced,
    kind,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
  }
  const part = (name: string): object => ({ name: `${plural}/${name}`, singularName: '', namespaced })
  const { group, version } = SCALE
  return [
    main,
    ...(hasStatus ? [{ ...part('status'), kind, verbs: STATUS_VERBS }] : []),
    ...(hasScale(of) ? [{ ...part('scale'), group, version, kind: SCALE.kind, verbs: SCALE_VERBS }] : []),
  ]
}

export type AggregatedVersion = 'v2' | 'v2beta1'

/** The media type of aggregated discovery (KEP-3352). */
export const aggregatedType = (version: AggregatedVersion): string =>
  `application/json;g=apidiscovery.k8s.io;v=${version};as=APIGroupDiscoveryList`

/**
 * The aggregated version that Accept asks for, by the order of its entries; undefined for the
 * legacy form.
 */
export function aggregatedIn(accept: string): AggregatedVersion | undefined {
  for (const entry of accept.split(',')) {
    const [type = '', ...params] = entry.split(';').map(part => part.trim())
    if (type !== 'application/json' && type !== '*/*') continue
    if (!params.includes('as=APIGroupDiscoveryList')) return undefined
    if (!params.includes('g=apidiscovery.k8s.io')) continue
    if (params.includes('v=v2')) return 'v2'
    if (params.includes('v=v2beta1')) return 'v2beta1'
  }
  return undefined
}

/** GET /api (core group) and /apis (all other groups), aggregated. */
export const aggregatedDiscovery = (
  kinds: readonly KindInfo[],
  of: 'api' | 'apis',
  version: AggregatedVersion,
): object => ({
  kind: 'APIGroupDiscoveryList',
  apiVersion: `apidiscovery.k8s.io/${version}`,
  metadata: {},
  items: groupsOf(kinds)
    .filter(({ name }) => (name === '') === (of === 'api'))
    .map(({ name, versions, kinds: members }) => ({
      metadata: { ...(name !== '' && { name }), creationTimestamp: null },
      versions: versions.map(v => ({
        version: v,
        resources: members.filter(kind => kind.version === v).map(aggregatedResource),
        freshness: 'Current',
      })),
    })),
})

function aggregatedResource(of: KindInfo): object {
  const { group, version, kind, plural, singular, namespaced, shortNames, categories, hasStatus, verbs = VERBS } = of
  const scale = { group: SCALE.group, version: SCALE.version, kind: SCALE.kind }
  const subresources = [
    ...(hasStatus ? [{ subresource: 'status', responseKind: { group, version, kind }, verbs: STATUS_VERBS }] : []),
    ...(hasScale(of) ? [{ subresource: 'scale', responseKind: scale, verbs: SCALE_VERBS }] : []),
  ]
  const responseKind = { group, version, kind }
  return {
    resource: plural,
    responseKind,
    scope: namespaced ? 'Namespaced' : 'Cluster',
    singularResource: singular,
    verbs,
    ...(shortNames.length > 0 && { shortNames }),
    ...(categories.length > 0 && { categories }),
    ...(subresources.length > 0 && { subresources }),
  }
}
