// Services as nftables rules of a node, as kube-proxy writes them. Knows no Spiderpool.
import type { KubeObject } from './api.js'
import { POD_CIDR } from './objects.js'
import { PORT } from './resident.js'
import { FAMILIES, nft, type Family } from './stage.js'

export interface Endpoint {
  readonly node: string
  readonly address: Readonly<Record<Family, string>>
}

interface ServiceSpec {
  readonly clusterIPs: readonly string[]
  readonly ports: readonly [{ readonly port: number; readonly nodePort: number }]
  readonly externalTrafficPolicy?: string
}

export const specOf = (service: KubeObject): ServiceSpec => service['spec'] as ServiceSpec

const WORDS = { 4: 'ip', 6: 'ip6' } as const
const MASQUERADE = 'meta mark set meta mark or 0x4000'

/** In turn, where kube-proxy takes one by chance. */
function dnat(family: Family, endpoints: readonly Endpoint[]): string {
  const map = endpoints.map(({ address }, at) => `${at} : ${address[family]} . ${PORT}`).join(', ')
  return `dnat ${WORDS[family]} to numgen inc mod ${endpoints.length} map { ${map} }`
}

/**
 * Callers from outside the pod CIDR are masqueraded, underlay pods too: otherwise the reply would
 * bypass this node.
 */
function rulesOf(service: KubeObject, family: Family, { node, endpoints, masquerade }: Proxy): readonly string[] {
  const { clusterIPs, ports, externalTrafficPolicy } = specOf(service)
  const [{ port, nodePort }] = ports
  const ip = WORDS[family]
  const cluster = `${ip} daddr ${clusterIPs[family === 4 ? 0 : 1] ?? ''} tcp dport ${port}`
  const outer = `meta nfproto ipv${family} fib daddr type local tcp dport ${nodePort}`
  const isLocal = externalTrafficPolicy === 'Local'
  const local = endpoints.filter(endpoint => endpoint.node === node)
  return [
    ...(masquerade ? [`${ip} saddr != ${POD_CIDR[family]} ${cluster} ${MASQUERADE}`] : []),
    `${cluster} ${dnat(family, endpoints)}`,
    ...(isLocal || !masquerade ? [] : [`${outer} ${MASQUERADE}`]),
    `${outer} ${isLocal && local.length === 0 ? 'drop' : dnat(family, isLocal ? local : endpoints)}`,
  ]
}

interface Proxy {
  readonly node: string
  readonly endpoints: readonly Endpoint[]
  readonly masquerade: boolean
}

/** nft 1.0.6 refuses the name `dstnat` in the output hook: hence the number. */
const tableOf = (services: readonly KubeObject[], proxy: Proxy): string => `
table inet kube-proxy
delete table inet kube-proxy
table inet kube-proxy {
  chain services {
    ${services.flatMap(service => FAMILIES.flatMap(family => rulesOf(service, family, proxy))).join('\n    ')}
  }
  chain prerouting { type nat hook prerouting priority dstnat; jump services; }
  chain output { type nat hook output priority -100; jump services; }
  chain postrouting { type nat hook postrouting priority srcnat; meta mark & 0x4000 == 0x4000 masquerade; }
}
`

/** Puts the rules on a node, in place of those that were there. */
export const proxy = (
  services: readonly KubeObject[],
  { masquerade = true, ...of }: Omit<Proxy, 'masquerade'> & { masquerade?: boolean },
): Promise<void> => nft(of.node, tableOf(services, { ...of, masquerade }))
