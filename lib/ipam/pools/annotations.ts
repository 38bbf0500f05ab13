// Parses the IPAM annotations as Go's encoding/json does: case-insensitive keys, unknown ones
// ignored, null as missing. Pure.
import { parseIp, familyOf, type Family } from '../../ip/address.js'
import { parsePrefix } from '../../ip/cidr.js'
import { ANNOTATION_MULTUS_NETWORKS, ANNOTATION_NETWORK_INJECT, ANNOTATION_RDMA_INJECT } from '../../crd/names.js'
import type { Pod, PoolRoute } from '../../crd/types.js'
import { wrongInput } from '../errors.js'
import { keysOf } from '../json-keys.js'
import { dstOf } from '../allocation/routes.js'

/** Pool names or patterns by family, in the user's order; without families that are not named. */
export type PoolNamesByFamily = ReadonlyMap<Family, readonly string[]>

export interface Item {
  /** '' where the item names none. */
  readonly nic: string
  readonly names: PoolNamesByFamily
  readonly cleanGateway: boolean
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** `where` names the annotation in messages; `example` is a valid value. */
function parsed(text: string, where: string, example: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw wrongInput(`${where} is not JSON: ${text}; write ${example}`, { cause: error })
  }
}

function texts(value: unknown, what: string, of: string): readonly string[] {
  if (value === undefined || value === null) return []
  const isList = Array.isArray(value) && value.every(one => typeof one === 'string' && one !== '')
  if (!isList) throw wrongInput(`${what} is ${JSON.stringify(value)}; write a list of ${of}`)
  return value as readonly string[]
}

function familiesIn(keys: ReadonlyMap<string, unknown>, where: string, of: string): PoolNamesByFamily {
  const names = new Map<Family, readonly string[]>()
  for (const [key, family] of [
    ['ipv4', 4],
    ['ipv6', 6],
  ] as const) {
    const list = texts(keys.get(key), `${where}: ${key}`, of)
    const twice = list.find((name, at) => list.indexOf(name) !== at)
    if (twice !== undefined) throw wrongInput(`${where}: ${key} names "${twice}" twice; name it once`)
    if (list.length > 0) names.set(family, list)
  }
  return names
}

export const POOL_EXAMPLE = '{"ipv4":["pool"],"ipv6":["pool"]}'
export const POOLS_EXAMPLE = `[{"interface":"eth0","ipv4":["pool"],"ipv6":["pool"]}]`
const POOL_NAMES = 'pool names'

/** `{"ipv4": ["a"], "ipv6": ["b"]}` */
export function poolAnnotation(text: string, where: string): PoolNamesByFamily {
  const value = parsed(text, where, POOL_EXAMPLE)
  if (!isObject(value)) throw wrongInput(`${where} is ${text}; write an object ${POOL_EXAMPLE}`)
  return familiesIn(keysOf(value), where, POOL_NAMES)
}

/** `[{"interface": "eth0", "ipv4": ["a"], "cleangateway": false}]`; `interface` in all or none. */
export function poolsAnnotation(text: string, where: string): readonly Item[] {
  const items = listOf(text, where, POOLS_EXAMPLE).map((item, at) => itemOf(item, `${where}, item ${at}`))
  if (items.length === 0) throw wrongInput(`${where} is an empty list; write ${POOLS_EXAMPLE}`)
  const named = items.filter(({ nic }) => nic !== '')
  if (named.length > 0 && named.length < items.length)
    throw wrongInput(
      `${where} names an interface in ${named.length} of ${items.length} items; name it in every item or in none`,
    )
  const twice = named.find(({ nic }, at) => named.findIndex(item => item.nic === nic) !== at)
  if (twice) throw wrongInput(`${where} has interface "${twice.nic}" twice; write one item for it`)
  return items
}

function listOf(text: string, where: string, example: string): readonly unknown[] {
  const value = parsed(text, where, example)
  if (!Array.isArray(value)) throw wrongInput(`${where} is ${text}; write a list ${example}`)
  return value
}

function itemOf(value: unknown, where: string): Item {
  if (!isObject(value)) throw wrongInput(`${where} is ${JSON.stringify(value)}; write an object`)
  const keys = keysOf(value)
  const cleanGateway = keys.get('cleangateway') ?? false
  if (typeof cleanGateway !== 'boolean')
    throw wrongInput(`${where}: cleangateway is ${JSON.stringify(cleanGateway)}; write true or false`)
  return { nic: nicIn(keys, where), names: familiesIn(keys, where, POOL_NAMES), cleanGateway }
}

function nicIn(keys: ReadonlyMap<string, unknown>, where: string): string {
  const nic = keys.get('interface') ?? ''
  if (typeof nic !== 'string' || !mayBeNic(nic))
    throw wrongInput(
      `${where}: interface is ${JSON.stringify(nic)}; write the name of an interface, 15 letters at most`,
    )
  return nic
}

/** As the kernel takes it (net/core/dev.c, dev_valid_name); '' where none is named. */
const mayBeNic = (nic: string): boolean => /^[^\s/:]{0,15}$/.test(nic) && nic !== '.' && nic !== '..'

/** A list of pool names, as a Namespace's annotations have it: `["a", "b-*"]`. */
export function namesAnnotation(text: string, where: string): readonly string[] {
  return texts(parsed(text, where, '["pool"]'), where, POOL_NAMES)
}

const SUBNET_NAMES = 'SpiderSubnet names'

export interface SubnetItem {
  readonly nic: string
  /** One SpiderSubnet a family. */
  readonly subnets: ReadonlyMap<Family, string>
}

/**
 * `{"ipv4": ["s4"], "ipv6": ["s6"]}`: one subnet a family; an interface that is not named is eth0.
 */
export function subnetAnnotation(text: string, where: string): SubnetItem {
  const example = '{"ipv4":["subnet"],"ipv6":["subnet"]}'
  const value = parsed(text, where, example)
  if (!isObject(value)) throw wrongInput(`${where} is ${text}; write an object ${example}`)
  return subnetItem(value, where)
}

/** `[{"interface": "eth0", "ipv4": ["s4"]}, …]`: no interface and no subnet twice. */
export function subnetsAnnotation(text: string, where: string): readonly SubnetItem[] {
  const example = '[{"interface":"eth0","ipv4":["subnet"]}]'
  const items = listOf(text, where, example).map((item, at) => {
    if (!isObject(item)) throw wrongInput(`${where}, item ${at} is ${JSON.stringify(item)}; write an object`)
    return subnetItem(item, `${where}, item ${at}`)
  })
  if (items.length === 0) throw wrongInput(`${where} is an empty list; write ${example}`)
  const nic = items.map(item => item.nic).find((name, at, all) => all.indexOf(name) !== at)
  if (nic !== undefined) throw wrongInput(`${where} has interface "${nic}" twice; write one item for it`)
  const names = items.flatMap(({ subnets }) => [...subnets.values()])
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined)
    throw wrongInput(`${where} names SpiderSubnet "${twice}" twice; each can serve one interface`)
  return items
}

function subnetItem(value: object, where: string): SubnetItem {
  const keys = keysOf(value)
  const subnets = new Map([...familiesIn(keys, where, SUBNET_NAMES)].map(([family, [first = '']]) => [family, first]))
  if (subnets.size === 0) throw wrongInput(`${where} names no SpiderSubnet; write {"ipv4":["subnet"]}`)
  return { nic: nicIn(keys, where) || 'eth0', subnets }
}

const ROUTES_EXAMPLE = '[{"dst":"10.0.0.0/16","gw":"192.168.1.1"}]'

/** `[{"dst": "10.0.0.0/16", "gw": "192.168.1.1"}]`, of one family; without duplicates. */
export function routesAnnotation(text: string, where: string): readonly PoolRoute[] {
  const routes = routesIn(text, where)
  return routes.filter((route, at) => {
    const first = routes.find(other => dstOf(other) === dstOf(route)) ?? route
    if (parseIp(first.gw) !== parseIp(route.gw))
      throw wrongInput(
        `${where} has two routes to ${dstOf(route)}: ${shown(first)} and ${shown(route)}; a destination has one gw, take one of them out`,
      )
    return routes.indexOf(first) === at
  })
}

const shown = ({ dst, gw }: PoolRoute): string => JSON.stringify({ dst, gw })

function routesIn(text: string, where: string): readonly PoolRoute[] {
  return listOf(text, where, ROUTES_EXAMPLE).map((value, at) => {
    const item = `${where}, item ${at}`
    if (!isObject(value)) throw wrongInput(`${item} is ${JSON.stringify(value)}; write an object`)
    const keys = keysOf(value)
    const [dst, gw] = [keys.get('dst') ?? '', keys.get('gw') ?? '']
    const to = typeof dst === 'string' ? parsePrefix(dst) : undefined
    const via = typeof gw === 'string' ? parseIp(gw) : undefined
    if (!to) throw wrongInput(`${item}: dst is ${JSON.stringify(dst)}; write a CIDR such as 10.0.0.0/16`)
    if (via === undefined) throw wrongInput(`${item}: gw is ${JSON.stringify(gw)}; write an IP address`)
    if (familyOf(to.ip) !== familyOf(via))
      throw wrongInput(
        `${item}: dst ${String(dst)} and gw ${String(gw)} are not of one family; write both IPv4 or both IPv6`,
      )
    return { dst: String(dst), gw: String(gw) }
  })
}

/**
 * A pod with a network inject annotation gets its networks from the controller's webhook, which may
 * not have been available when the pod was created.
 * @throws Refused `wrongInput` where it has none
 */
export function requireInjected({ metadata: { annotations = {} } }: Pick<Pod, 'metadata'>): void {
  const chosen = [ANNOTATION_RDMA_INJECT, ANNOTATION_NETWORK_INJECT].find(name => (annotations[name] ?? '') !== '')
  if (chosen === undefined || annotations[ANNOTATION_MULTUS_NETWORKS] !== undefined) return
  throw wrongInput(
    `annotation ${chosen} is ${JSON.stringify(annotations[chosen])}, and the pod has no annotation ${ANNOTATION_MULTUS_NETWORKS}: it was created while the webhook of spiderpool-controller did not respond, or podResourceInject is off; delete it once the webhook is available, or take the annotation out`,
  )
}
