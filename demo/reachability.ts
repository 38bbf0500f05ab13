// Reachability over TCP: each check is a sentence, who dials where, and which source the server
// must see.
import type { KubeObject } from './api.js'
import { PORT } from './resident.js'
import type { Resident } from './residents.js'
import { specOf } from './services.js'
import { addressOf, FAMILIES, OUTSIDE, type Family } from './stage.js'

/** A pod by the name of its sandbox, with its addresses on one NIC. */
export interface Host {
  readonly place: string
  readonly node: string
  readonly address: Readonly<Record<Family, string>>
}

export interface Way {
  readonly says: string
  readonly from: string
  readonly host: string
  readonly port: number
  /** Who answers; each of several is asked in turn. */
  readonly answers: readonly string[]
  /** Whom the one that answers sees: an address. */
  readonly sees: string
}

const bothFamilies = (way: (family: Family) => Omit<Way, 'says'> & { says: string }): readonly Way[] =>
  FAMILIES.map(family => {
    const one = way(family)
    return { ...one, says: `${one.says}, IPv${family}` }
  })

/** Probes, and the pod asking its own node: the way that a macvlan alone does not have. */
export const nodeWays = ({ place, node, address }: Host): readonly Way[] =>
  bothFamilies(family => ({
    says: `${node} probes ${place}`,
    from: node,
    host: address[family],
    port: PORT,
    answers: [place],
    sees: addressOf(node, family),
  })).concat(
    bothFamilies(family => ({
      says: `${place} asks ${node}`,
      from: place,
      host: addressOf(node, family),
      port: PORT,
      answers: [node],
      sees: address[family],
    })),
  )

export const podWays = (from: Host, to: Host): readonly Way[] =>
  bothFamilies(family => ({
    says: `${from.place} asks ${to.place}`,
    from: from.place,
    host: to.address[family],
    port: PORT,
    answers: [to.place],
    sees: from.address[family],
  }))

/**
 * By ClusterIP: every endpoint answers in turn, the caller's own too, and sees the node on the
 * path.
 */
export const clusterIpWays = (
  service: KubeObject,
  { from, node, endpoints }: { from: string; node: string; endpoints: readonly Host[] },
): readonly Way[] =>
  bothFamilies(family => ({
    says: `${from} asks ClusterIP ${clusterIp(service, family)}`,
    from,
    host: clusterIp(service, family),
    port: 80,
    answers: endpoints.map(({ place }) => place),
    sees: addressOf(node, family),
  }))

const clusterIp = (service: KubeObject, family: Family): string =>
  specOf(service).clusterIPs[family === 4 ? 0 : 1] ?? ''

/**
 * By NodePort, from outside. Under policy Local the pod sees the client address, and its reply must
 * still return through the node.
 */
export const nodePortWays = (service: KubeObject, node: string, endpoints: readonly Host[]): readonly Way[] => {
  const { ports, externalTrafficPolicy } = specOf(service)
  const isLocal = externalTrafficPolicy === 'Local'
  const answers = endpoints.filter(endpoint => !isLocal || endpoint.node === node).map(({ place }) => place)
  return bothFamilies(family => ({
    says: `${OUTSIDE} asks NodePort ${ports[0].nodePort} of ${node}${isLocal ? ', policy Local' : ''}`,
    from: OUTSIDE,
    host: addressOf(node, family),
    port: ports[0].nodePort,
    answers,
    sees: addressOf(isLocal ? OUTSIDE : node, family),
  }))
}

/** From outside, on one of a pod's NICs: the gateway drops an answer that comes by another. */
export const outsideWays = (to: Host, nic: string): readonly Way[] =>
  bothFamilies(family => ({
    says: `${OUTSIDE} asks ${to.place} on ${nic}`,
    from: OUTSIDE,
    host: to.address[family],
    port: PORT,
    answers: [to.place],
    sees: addressOf(OUTSIDE, family),
  }))

/**
 * Dials once for each endpoint that must answer. Returns the answers. @throws for a wrong endpoint
 * or source.
 */
export async function ask(
  residents: ReadonlyMap<string, Resident>,
  { says, from, host, port, answers, sees }: Way,
): Promise<readonly string[]> {
  const resident = residents.get(from)
  if (resident === undefined) throw new Error(`${from} has no resident`)
  const heard: string[] = []
  for (const answer of answers) {
    const said = await resident.dial({ host, port }).catch((error: unknown) => {
      throw new Error(`${says} (${host} port ${port}, ${answer} should answer): ${String(error)}`)
    })
    heard.push(said)
  }
  const wanted = answers.map(answer => `${answer} sees ${sees}`).sort()
  heard.sort()
  if (heard.join() !== wanted.join()) throw new Error(`${says}: ${heard.join(', ')}; it should be ${wanted.join(', ')}`)
  return heard
}
