// Random situations of one pod: pools, reservations, labels, annotations and holders. Pure.
import { randomFrom } from '../../../lib/ipam/world.js'

export interface Situation {
  readonly seed: number
  readonly pools: readonly { readonly name: string; readonly spec: object; readonly taken: number }[]
  readonly reserved: readonly string[]
  readonly podLabels: Readonly<Record<string, string>>
  readonly podAnnotations: Readonly<Record<string, string>>
  readonly namespace: {
    readonly name: string
    readonly labels: Readonly<Record<string, string>>
    readonly annotations: Readonly<Record<string, string>>
  }
  readonly node: { readonly name: string; readonly labels: Readonly<Record<string, string>> }
  /** Keys of the IPAM's conf. */
  readonly ipam: Readonly<Record<string, unknown>>
}

const LABELS = ['red', 'blue'] as const

/** The situation of a seed; names carry it, so that situations do not meet. */
export function situationOf(seed: number): Situation {
  const random = randomFrom(seed * 7919 + 1)
  const chance = (p: number): boolean => random() < p
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T
  const selector = (): object =>
    chance(0.7)
      ? { matchLabels: { colour: pick(LABELS) } }
      : {
          matchExpressions: [
            { key: 'colour', operator: pick(['Exists', 'DoesNotExist', 'NotIn']), values: ['red'] },
          ].map(one => (one.operator === 'NotIn' ? one : { key: one.key, operator: one.operator })),
        }
  const [node, namespace] = [`n${seed}`, `ns${seed}`]
  const count = 1 + Math.floor(random() * 4)
  const pools = Array.from({ length: count }, (_, at) => {
    const size = 1 + Math.floor(random() * 4)
    const six = chance(0.2)
    const subnet = six
      ? `fd00:${seed.toString(16)}:${at + 1}::/64`
      : `10.${seed % 250}.${at + 8 * Math.floor(seed / 250)}.0/24`
    const base = subnet.replace(six ? /\/64$/ : /0\/24$/, '')
    const spec = {
      subnet,
      ips: [`${base}10-${base}${six ? (16 + size - 1).toString(16) : 10 + size - 1}`],
      ...(chance(0.3) && { excludeIPs: [`${base}10`] }),
      ...(chance(0.1) && { disable: true }),
      ...(chance(0.12) && { podAffinity: selector() }),
      ...(chance(0.12) && { namespaceAffinity: selector() }),
      ...(chance(0.12) && { nodeAffinity: selector() }),
      ...(chance(0.15) && { nodeName: [chance(0.5) ? node : 'elsewhere'] }),
      ...(chance(0.15) && { namespaceName: [chance(0.5) ? namespace : 'elsewhere'] }),
      ...(chance(0.1) && { multusName: ['kube-system/other'] }),
    }
    return { name: `p${seed}-${at}`, spec, taken: chance(0.4) ? Math.floor(random() * (size + 1)) : 0 }
  })
  const namesOf = (six: boolean): readonly string[] => {
    const own = pools.filter(({ spec }) => spec.subnet.includes(':') === six).map(({ name }) => name)
    return own.length === 0 || chance(0.1) ? pools.map(({ name }) => name) : own
  }
  const some = (six: boolean): readonly string[] => {
    const own = namesOf(six)
    return [
      ...new Set([
        pick(own),
        pick(own),
        ...(chance(0.04) ? [`missing${seed}`] : []),
        ...(chance(0.1) ? [`p${seed}-*`] : []),
      ]),
    ]
  }
  const asked = chance(0.2) ? { ipv4: some(false), ...(chance(0.4) && { ipv6: some(true) }) } : { ipv4: some(false) }
  const way = random()
  const text = JSON.stringify(asked)
  return {
    ...{ seed, pools },
    reserved: pools.flatMap(({ spec }) =>
      chance(0.15) ? [(spec as { ips: readonly string[] }).ips[0]?.split('-')[0] ?? ''] : [],
    ),
    podLabels: chance(0.7) ? { colour: pick(LABELS) } : {},
    podAnnotations: {
      ...(way < 0.45 && { 'ipam.spidernet.io/ippool': chance(0.06) ? `${text}}` : text }),
      ...(way >= 0.45 &&
        way < 0.55 && {
          'ipam.spidernet.io/ippools': JSON.stringify([{ interface: chance(0.8) ? 'eth0' : 'net9', ...asked }]),
        }),
    },
    namespace: {
      name: namespace,
      labels: chance(0.7) ? { colour: pick(LABELS) } : {},
      annotations:
        way >= 0.55 && way < 0.7 ? { 'ipam.spidernet.io/default-ipv4-ippool': JSON.stringify(asked.ipv4) } : {},
    },
    node: { name: node, labels: chance(0.7) ? { colour: pick(LABELS) } : {} },
    ipam:
      way >= 0.7 && way < 0.95
        ? { default_ipv4_ippool: asked.ipv4, ...('ipv6' in asked && { default_ipv6_ippool: asked.ipv6 }) }
        : {},
  }
}
