// What a veth costs in the kernel alone, by our netlink: the lower bound of ADD and DEL.
import { closeSync, openSync } from 'node:fs'
import { Opener } from '../lib/kernel/sockets.js'
import { Conn } from '../lib/netlink/conn.js'
import { fdTransport } from '../lib/netlink/fd-transport.js'
import { addrAdd, anyAddress } from '../lib/netlink/rtnl/addr.js'
import { anyLink, IFF, linkAdd, linkChange, linkDel, linkIndex, linkNamed } from '../lib/netlink/rtnl/link.js'
import { median } from './measure.js'

const ROUNDS = 31
/** The kernel has finished the asynchronous work of a removed veth by then. */
export const REST_MS = 30

export interface Veth {
  /**
   * Both ends created, set up, and an address added to one: the kernel's work for a link that comes
   * up delays the next request. Median, ms.
   */
  readonly madeMs: number
  /** RTM_DELLINK, which waits until no reader of RCU can see the link any more. Median, ms. */
  readonly removedMs: number
}

interface Ends {
  readonly node: Conn
  readonly pod: Conn
  readonly podFd: number
}

const up = { ...anyLink, flags: IFF.up, change: IFF.up }

function make({ node, pod, podFd }: Ends): void {
  const peer = { header: anyLink, attrs: { name: 'v1', netnsFd: podFd } }
  node.change(linkAdd, { header: anyLink, attrs: { name: 'v0', info: { kind: 'veth', data: { peer } } } })
  node.change(linkChange, { header: up, attrs: { name: 'v0' } })
  pod.change(linkChange, { header: up, attrs: { name: 'v1' } })
  const { index } = node.get(linkIndex, linkNamed('v0')).header
  const header = { ...anyAddress, family: 2, prefixLength: 32, index }
  node.change(addrAdd, { header, attrs: { local: Uint8Array.of(10, 250, 0, 1) } })
}

/** Names of namespaces. */
export async function veth(node: string, pod: string): Promise<Veth> {
  const opener = new Opener()
  const [nodeFd, podFd] = [openSync(`/run/netns/${node}`, 'r'), openSync(`/run/netns/${pod}`, 'r')]
  const connTo = (fd: number): Conn => new Conn(fdTransport(opener.netlink(fd)))
  const ends: Ends = { node: connTo(nodeFd), pod: connTo(podFd), podFd }
  const [made, removed]: [number[], number[]] = [[], []]
  for (let round = 0; round < ROUNDS; round++) {
    await Bun.sleep(REST_MS)
    made.push(timed(() => make(ends)))
    await Bun.sleep(REST_MS)
    removed.push(timed(() => ends.node.change(linkDel, { header: anyLink, attrs: { name: 'v0' } })))
  }
  for (const conn of [ends.node, ends.pod]) conn.close()
  for (const fd of [nodeFd, podFd]) closeSync(fd)
  return { madeMs: median(made), removedMs: median(removed) }
}

function timed(work: () => void): number {
  const started = performance.now()
  work()
  return performance.now() - started
}
