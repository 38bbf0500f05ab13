// What `doctor --node` says about links, rules, sysctls and logs of a node. Pure.
import type { Rule } from '../../../lib/plan/step.js'
import type { NetnsState, ObservedLink } from '../../../lib/plan/state.js'
import { keysOf } from '../../../lib/ipam/json-keys.js'
import { pluginsOf } from './decide.js'
import type { Finding, NadObject } from './facts.js'

type NodeFinding = Omit<Finding, 'object'>

interface ExpectedSysctl {
  readonly path: string
  readonly isRight: (value: number) => boolean
  readonly set: string
  readonly why: string
  readonly isNote?: true
}

/** Below /proc/sys. */
export const SYSCTLS: readonly ExpectedSysctl[] = [
  {
    path: 'net/ipv4/conf/all/rp_filter',
    isRight: value => value !== 1,
    set: '0',
    why: 'strict filtering drops packets that a pod sends by another interface than its veth',
  },
  {
    path: 'net/ipv4/conf/all/forwarding',
    isRight: value => value === 1,
    set: '1',
    why: 'pods do not reach Services through the node',
  },
  {
    path: 'net/ipv4/neigh/default/gc_thresh3',
    isRight: value => value >= 28_160,
    set: '28160',
    why: 'the neighbour table of a node with many pods overflows',
    isNote: true,
  },
  {
    path: 'net/ipv4/conf/all/arp_notify',
    isRight: value => value === 1,
    set: '1',
    why: 'switches learn the new place of an address late',
    isNote: true,
  },
]

/** Sysctls with another value than pods need; a missing one, as without IPv6, is fine. */
export const sysctlFindings = (values: Readonly<Record<string, string | undefined>>): readonly NodeFinding[] =>
  SYSCTLS.flatMap(({ path, isRight, set, why, isNote }) => {
    const text = values[path]
    if (text === undefined || isRight(Number(text.trim()))) return []
    const name = path.replaceAll('/', '.')
    const found: NodeFinding = {
      check: 'sysctls',
      what: `${name} is ${text.trim()}`,
      why,
      mend: `sysctl -w ${name}=${set}`,
    }
    return [{ ...found, ...(isNote && { isNote }) }]
  })

const LOCAL = 255
const MAIN = 254
const DEFAULT = 253

/** Rules that are looked up before that of our table, and select every packet. */
export function ruleFindings(rules: readonly Rule[], table: number): readonly NodeFinding[] {
  return ([4, 6] as const).flatMap(family => {
    const of = rules.filter(rule => rule.family === family)
    const own = of.find(rule => rule.table === table && rule.from === undefined && rule.to === undefined)
    if (!own) return []
    const before = of.filter(
      rule =>
        (rule.priority ?? 0) < (own.priority ?? 0) &&
        ![LOCAL, MAIN, DEFAULT, table].includes(rule.table) &&
        rule.from === undefined &&
        rule.to === undefined &&
        rule.fwmark === undefined &&
        rule.more !== true,
    )
    return before.map(rule => ({
      check: 'rules',
      what: `IPv${family} rule ${rule.priority ?? 0} (table ${rule.table}) comes before that of table ${table} (${own.priority ?? 0})`,
      why: 'a default route of that table takes the packets for pods of this node',
      mend: `spiderpoolctl check --node; or ip -${family} rule del priority ${rule.priority ?? 0}`,
      isNote: true as const,
    }))
  })
}

const fieldOf = (value: unknown, key: string): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? keysOf(value).get(key) : undefined

/** Masters of networks that this node does not have, that are down, or whose MTU is too small. */
export function masterFindings(links: readonly ObservedLink[], nads: readonly NadObject[]): readonly NodeFinding[] {
  const found = nads.flatMap(nad => {
    const plugins = pluginsOf(nad) ?? []
    const made = plugins.some(one => fieldOf(one, 'type') === 'ifacer')
    const network = `network ${nad.metadata.namespace ?? ''}/${nad.metadata.name}`
    return plugins.flatMap((plugin): readonly NodeFinding[] => {
      const master = fieldOf(plugin, 'master')
      if (typeof master !== 'string' || master === '') return []
      const link = links.find(one => one.name === master || one.altNames?.includes(master))
      const why = `a pod on this node that names ${network} does not start, or reaches nothing`
      if (!link)
        return made
          ? []
          : [
              {
                check: 'links',
                what: `${network} names master ${master}, which this node does not have`,
                why,
                mend: 'ip link; then a nodeAffinity for the pods, or another master',
                isNote: true,
              },
            ]
      if (!link.up)
        return [
          { check: 'links', what: `master ${master} of ${network} is down`, why, mend: `ip link set ${master} up` },
        ]
      const mtu = fieldOf(plugin, 'mtu')
      if (typeof mtu !== 'number' || mtu <= link.mtu) return []
      return [
        {
          check: 'links',
          what: `${network} has MTU ${mtu}, and its master ${master} ${link.mtu}`,
          why: 'larger packets are dropped',
          mend: `ip link set ${master} mtu ${mtu}`,
        },
      ]
    })
  })
  return [...new Map(found.map(one => [one.what, one])).values()]
}

/** MAC addresses that two interfaces on the network have. A veth is between two namespaces only. */
export function duplicateMacs(
  namespaces: readonly (readonly [name: string, state: NetnsState])[],
): readonly NodeFinding[] {
  const seen = new Map<string, string[]>()
  for (const [name, { links }] of namespaces)
    for (const { mac, name: link, kind } of links) {
      if (
        mac === undefined ||
        mac === '00:00:00:00:00:00' ||
        kind === 'veth' ||
        (name === 'the node' && kind !== undefined)
      )
        continue
      seen.set(mac, [...(seen.get(mac) ?? []), `${link} of ${name}`])
    }
  return [...seen].flatMap(([mac, on]) =>
    on.length < 2
      ? []
      : [
          {
            check: 'macs',
            what: `MAC address ${mac} is on ${on.join(' and ')}`,
            why: 'switches send packets of one to the other',
            mend: 'delete one of the pods',
          },
        ],
  )
}

const ERRORS_MAX = 3

/** The last errors of a log of JSON lines, without what is not one. */
export function lastErrors(text: string): readonly string[] {
  return text
    .split('\n')
    .flatMap(line => {
      try {
        const { level, msg, ts, time } = JSON.parse(line) as Readonly<Record<string, unknown>>
        const at = ts ?? time
        return typeof level === 'string' && level.toLowerCase() === 'error'
          ? [`${typeof at === 'string' ? `${at} ` : ''}${String(msg)}`]
          : []
      } catch {
        return [] // cut at the beginning, or of another program
      }
    })
    .slice(-ERRORS_MAX)
}
