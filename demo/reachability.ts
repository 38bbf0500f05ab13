// Reachability over TCP: who dials where, and which source the server must see.
import type { KubeObject } from './api.js'
import { PORT } from './resident.js'
import type { Resident } from './residents.js'
import { specOf } from './services.js'
import { addressOf, FAMILIES, OUTSIDE, type Family } from './stage.js'

/** A pod by the name of its sandbox, with its addresses on one NIC. */
export interface Host {
  readonly netnsName: string
  readonly node: string
  readonly address: Readonly<Record<Family, string>>
}

export interface Path {
  readonly says: string
  readonly from: string
  readonly host: string
  readonly port: number
  /** The endpoints that answer, in turn. */
  readonly answers: readonly string[]
  /** The source address that the endpoint sees. */
  readonly sees: string
}

const bothFamilies = (path: (family: Family) => Omit<Path, 'says'> & { says: string }): readonly Path[] =>
  FAMILIES.map(family => {
    const one = path(family)
    return { ...one, says: `${one.says}, IPv${family}` }
  })

/** Probes, and the pod asking its own node: the way that a macvlan alone does not have. */
export const nodePaths = ({ netnsName, node, address }: Host): readonly Path[] =>
  bothFamilies(family => ({
    says: `${node} probes ${netnsName}`,
    from: node,
    host: address[family],
    port: PORT,
    answers: [netnsName],
    sees: addressOf(node, family),
  })).concat(
    bothFamilies(family => ({
      says: `${netnsName} asks ${node}`,
      from: netnsName,
      host: addressOf(node, family),
      port: PORT,
      answers: [node],
      sees: address[family],
    })),
  )

export const podPaths = (from: Host, to: Host): readonly Path[] =>
  bothFamilies(family => ({
    says: `${from.netnsName} asks ${to.netnsName}`,
    from: from.netnsName,
    host: to.address[family],
    port: PORT,
    answers: [to.netnsName],
    sees: from.address[family],
  }))

/**
 * By ClusterIP: every endpoint answers in turn, the caller's own too, and sees the node on the
 * path.
 */
export const clusterIpPaths = (
  service: KubeObject,
  { from, node, endpoints }: { from: string; node: string; endpoints: readonly Host[] },
): readonly Path[] =>
  bothFamilies(family => ({
    says: `${from} asks ClusterIP ${clusterIp(service, family)}`,
    from,
    host: clusterIp(service, family),
    port: 80,
    answers: endpoints.map(({ netnsName }) => netnsName),
    sees: addressOf(node, family),
  }))

const clusterIp = (service: KubeObject, family: Family): string =>
  specOf(service).clusterIPs[family === 4 ? 0 : 1] ?? ''

/**
 * By NodePort, from outside. Under policy Local the pod sees the client address, and its reply must
 * still return through the node.
 */
export const nodePortPaths = (service: KubeObject, node: string, endpoints: readonly Host[]): readonly Path[] => {
  const { ports, externalTrafficPolicy } = specOf(service)
  const isLocal = externalTrafficPolicy === 'Local'
  const answers = endpoints.filter(endpoint => !isLocal || endpoint.node === node).map(({ netnsName }) => netnsName)
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
export const outsidePaths = (to: Host, nic: string): readonly Path[] =>
  bothFamilies(family => ({
    says: `${OUTSIDE} asks ${to.netnsName} on ${nic}`,
    from: OUTSIDE,
    host: to.address[family],
    port: PORT,
    answers: [to.netnsName],
    sees: addressOf(OUTSIDE, family),
  }))

/**
 * Dials once for each endpoint that must answer. Returns the answers. @throws for a wrong endpoint
 * or source.
 */
export async function ask(
  residents: ReadonlyMap<string, Resident>,
  { says, from, host, port, answers, sees }: Path,
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
