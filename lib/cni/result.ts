// The CNI result: one type inside, each version's JSON at the edge (CNI spec, "ADD Success"). Pure.
import { CniError, pretty } from './error.js'
import { ConfReader } from './json.js'

export interface Interface {
  readonly name: string
  readonly mac?: string
  readonly mtu?: number
  readonly sandbox?: string
  readonly socketPath?: string
  readonly pciID?: string
}

export interface IpConfig {
  /** With prefix length; host bits are kept. */
  readonly address: string
  readonly gateway?: string
  /** Index into `interfaces`. */
  readonly interface?: number
}

export interface CniRoute {
  readonly dst: string
  readonly gw?: string
  readonly mtu?: number
  readonly advmss?: number
  readonly priority?: number
  readonly table?: number
  readonly scope?: number
}

export interface Dns {
  readonly nameservers?: readonly string[]
  readonly domain?: string
  readonly search?: readonly string[]
  readonly options?: readonly string[]
}

/** The shape of 1.1.0. */
export interface Result {
  readonly interfaces?: readonly Interface[]
  readonly ips?: readonly IpConfig[]
  readonly routes?: readonly CniRoute[]
  readonly dns?: Dns
}

/** Versions of one family differ only in the number. */
type ResultFamily = 'A' | 'B' | 'C'
const FAMILY: ReadonlyMap<string, ResultFamily> = new Map([
  ['0.1.0', 'A'],
  ['0.2.0', 'A'],
  ['0.3.0', 'B'],
  ['0.3.1', 'B'],
  ['0.4.0', 'B'],
  ['1.0.0', 'C'],
  ['1.1.0', 'C'],
])

const members = (family: ResultFamily): string =>
  [...FAMILY.keys()].filter(version => FAMILY.get(version) === family).join(' ')

/**
 * The JSON of a version, as libcni prints it.
 * @throws CniError if the version cannot express the result
 */
export function encodeResult(result: Result, version: string): string {
  const cniVersion = version === '' ? '0.1.0' : version
  const family = FAMILY.get(cniVersion)
  if (!family) throw new CniError('incompatibleVersion', `no converter for CNI result version 1.1.0 to ${version}`)
  if (family === 'A') return pretty({ cniVersion, ...oldest(result) })
  return pretty({ cniVersion, ...newer(result, family) })
}

const filled = <T>(list: readonly T[] | undefined): list is readonly T[] => list !== undefined && list.length > 0
const isV6 = (text: string): boolean => text.includes(':')

function newer({ interfaces, ips, routes, dns = {} }: Result, family: 'B' | 'C'): object {
  const named = dnsJson(dns)
  return {
    ...(filled(interfaces) && { interfaces: interfaces.map(one => interfaceJson(one, family)) }),
    ...(filled(ips) && {
      ips: ips.map(({ interface: at, address, gateway }) => ({
        ...(family === 'B' && { version: isV6(address) ? '6' : '4' }),
        ...(at !== undefined && { interface: at }),
        address,
        ...(gateway && { gateway }),
      })),
    }),
    ...(filled(routes) && { routes: routes.map(routeJson) }),
    ...((family === 'B' || Object.keys(named).length > 0) && { dns: named }),
  }
}

/** Family C prints all keys, also for 1.0.0: versions of a family differ only in the number. */
function interfaceJson({ name, mac, mtu, sandbox, socketPath, pciID }: Interface, family: 'B' | 'C'): object {
  const isC = family === 'C'
  return {
    name,
    ...(mac && { mac }),
    ...(isC && mtu && { mtu }),
    ...(sandbox && { sandbox }),
    ...(isC && socketPath && { socketPath }),
    ...(isC && pciID && { pciID }),
  }
}

/**
 * `table` and `scope` 0 are printed, since absent means something else. Family B keeps all, as Go
 * does.
 */
const routeJson = ({ dst, gw, mtu, advmss, priority, table, scope }: CniRoute): object => ({
  dst,
  ...(gw && { gw }),
  ...(mtu && { mtu }),
  ...(advmss && { advmss }),
  ...(priority && { priority }),
  ...(table !== undefined && { table }),
  ...(scope !== undefined && { scope }),
})

const dnsJson = ({ nameservers, domain, search, options }: Dns): object => ({
  ...(filled(nameservers) && { nameservers }),
  ...(domain && { domain }),
  ...(filled(search) && { search }),
  ...(filled(options) && { options }),
})

/** Family A has one address per IP family and no interfaces. */
function oldest({ ips = [], routes = [], dns = {} }: Result): object {
  const of = (v6: boolean): object | undefined => {
    const first = ips.find(({ address }) => isV6(address) === v6)
    if (!first) return undefined
    const own = routes.filter(({ dst }) => isV6(dst) === v6)
    return {
      ip: first.address,
      ...(first.gateway && { gateway: first.gateway }),
      ...(own.length > 0 && { routes: own.map(({ dst, gw }) => ({ dst, ...(gw && { gw }) })) }),
    }
  }
  const [ip4, ip6] = [of(false), of(true)]
  if (!ip4 && !ip6) throw new CniError('internal', 'cannot convert: no valid IP addresses')
  return { ...(ip4 && { ip4 }), ...(ip6 && { ip6 }), dns: dnsJson(dns) }
}

/**
 * Decodes a result of another plugin or an earlier call. `version` is the conf's, used if the
 * result has none.
 * @throws CniError 6
 */
export function decodeResult(value: object, version: string): Result {
  const fields = new ConfReader(value, '')
  const own = fields.string('cniVersion') || version || '0.1.0'
  const family = FAMILY.get(own)
  if (!family) throw new CniError('decodeFailure', `unsupported CNI result version "${own}"`)
  return family === 'A' ? fromOldest(fields) : fromNewer(fields)
}

/**
 * Decodes prevResult; libcni converts it to the conf's version family before.
 * @throws CniError 6
 */
export function decodePrevResult(value: object, version: string): Result {
  const own = new ConfReader(value, '').string('cniVersion') || version || '0.1.0'
  const family = FAMILY.get(version || '0.1.0') ?? 'A'
  if (FAMILY.get(own) !== family)
    throw new CniError(
      'decodeFailure',
      `could not parse prevResult: result type supports [${members(family)}] but unmarshalled CNIVersion is "${own}"`,
    )
  return decodeResult(value, version)
}

function fromNewer(fields: ConfReader): Result {
  const dns = fields.object('dns')
  return {
    ...(fields.value('interfaces') !== undefined && {
      interfaces: (fields.objects('interfaces') ?? []).map(toInterface),
    }),
    ...(fields.value('ips') !== undefined && { ips: (fields.objects('ips') ?? []).map(toIp) }),
    ...(fields.value('routes') !== undefined && { routes: (fields.objects('routes') ?? []).map(toRoute) }),
    ...(dns && { dns: toDns(dns) }),
  }
}

/** Drops undefined properties: Go's omitempty. */
function defined<T extends object>(object: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as T
}

const toInterface = (one: ConfReader): Interface =>
  defined<Interface>({
    name: one.string('name') ?? '',
    mac: one.string('mac'),
    mtu: one.integer('mtu'),
    sandbox: one.string('sandbox'),
    socketPath: one.string('socketPath'),
    pciID: one.string('pciID'),
  })

function toIp(one: ConfReader): IpConfig {
  const address = one.string('address')
  if (address === undefined) throw new CniError('decodeFailure', `${one.where}address is missing in a CNI result`)
  return defined<IpConfig>({
    address,
    gateway: one.string('gateway') || undefined,
    interface: one.integer('interface'),
  })
}

function toRoute(one: ConfReader): CniRoute {
  const dst = one.string('dst')
  if (dst === undefined) throw new CniError('decodeFailure', `${one.where}dst is missing in a CNI result`)
  return defined<CniRoute>({
    dst,
    gw: one.string('gw') || undefined,
    mtu: one.integer('mtu'),
    advmss: one.integer('advmss'),
    priority: one.integer('priority'),
    table: one.integer('table'),
    scope: one.integer('scope'),
  })
}

/** Decodes `dns`. @throws CniError 6 */
export const toDns = (one: ConfReader): Dns =>
  defined<Dns>({
    nameservers: one.strings('nameservers'),
    domain: one.string('domain'),
    search: one.strings('search'),
    options: one.strings('options'),
  })

/** Family A: ip4 then ip6, their routes in that order, no interfaces. */
function fromOldest(fields: ConfReader): Result {
  const ips: IpConfig[] = []
  const routes: CniRoute[] = []
  for (const key of ['ip4', 'ip6']) {
    const one = fields.object(key)
    if (!one) continue
    const address = one.string('ip')
    if (address === undefined) throw new CniError('decodeFailure', `${one.where}ip is missing in a CNI result`)
    ips.push(defined<IpConfig>({ address, gateway: one.string('gateway') || undefined, interface: undefined }))
    routes.push(...(one.objects('routes') ?? []).map(toRoute))
  }
  const dns = fields.object('dns')
  return { ...(ips.length > 0 && { ips }), ...(routes.length > 0 && { routes }), ...(dns && { dns: toDns(dns) }) }
}

/**
 * Stdout of a STATUS that succeeds: a warning for people, or ''. libcni ignores it; the spec
 * defines no output.
 */
export const encodeDetails = (details: string, cniVersion: string): string =>
  details === '' ? '' : `${JSON.stringify({ cniVersion, details }, undefined, 4)}\n`
