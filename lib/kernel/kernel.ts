// The kernel: applies and undoes steps, observes both namespaces, sends frames.
import { closeSync, openSync } from 'node:fs'
import type { Executor } from '../plan/run.js'
import type { Ip } from '../ip/address.js'
import { isUnanswered } from '../netlink/errno.js'
import { EMPTY_NETNS, type Observed } from '../plan/state.js'
import type { Step, StepOf, Verb, Where } from '../plan/step.js'
import type { Act } from './acts/act.js'
import { addAddress } from './acts/address.js'
import * as link from './acts/link.js'
import { addNeigh, removeNeigh } from './acts/neigh.js'
import { setNftTable } from './acts/nft.js'
import { addRoute, removeRoute } from './acts/route.js'
import { addRule, removeRule, shareRule } from './acts/rule.js'
import { setSysctl, SYSCTLS } from './acts/sysctl.js'
import { addressOwners, type AddressOwner } from './address-owners.js'
import { observe, type Query } from './observe.js'
import { openNetns, Opener } from './sockets.js'
import { openPacketSocket, type PacketSocket } from './packet-socket.js'
import { indexOf, openNamespaces, type NetlinkCost, type Namespaces } from './netns-pair.js'

/** The act of every verb; a verb without one does not compile. */
const ACTS: { readonly [V in Verb]: Act<StepOf<V>> } = {
  addLink: link.addLink,
  removeLink: link.removeLink,
  rename: link.rename,
  setUp: link.setUp,
  setDown: link.setDown,
  setActiveSlave: link.setActiveSlave,
  setMtu: link.setMtu,
  setMac: link.setMac,
  setQueueLength: link.setQueueLength,
  setAlias: link.setAlias,
  setMaster: link.setMaster,
  addAddress,
  addNeigh,
  removeNeigh,
  addRoute,
  removeRoute,
  addRule,
  removeRule,
  setNftTable,
  shareRule,
  setSysctl,
}

/** The cast: the compiler does not correlate a step with the act of its verb through a union. */
const actOf = (step: Step): Act<Step> => ACTS[step.verb] as Act<Step>

export interface Kernel extends Executor {
  /**
   * What is not queried is empty; a namespace without a query is not opened. Throws NetlinkError.
   */
  observe(queries: Readonly<Partial<Record<Where, Query>>>): Observed
  /** Those of these addresses that links of the node have. Throws NetlinkError. */
  holders(ips: readonly Ip[]): readonly AddressOwner[]
  /**
   * Applies a step while this thread does other work; nothing else may use its namespace then.
   * Rejects with NetlinkError.
   */
  applyAsync(step: StepOf<'removeLink'>): Promise<void>
  /** Sends Ethernet frames. Throws SystemError. */
  send(frames: readonly Uint8Array[], from: LinkRef): void
  /** The raw socket of a link, opened once; closed with the kernel. */
  packetSocket(of: LinkRef): PacketSocket
  /** Opens the pod's namespace now, not at the first use. Throws NetnsError. */
  enter(): void
  /** Locks a file (flock(2)) until the returned function is called. Throws SystemError. */
  lock(file: string): () => void
  /** As lock(), without waiting; undefined where another process has the lock. */
  tryLock(file: string): (() => void) | undefined
  /** Number of netlink requests so far, for measurements. */
  cost(): NetlinkCost
  close(): void
}

export interface LinkRef {
  readonly where: Where
  readonly name: string
}

const NODE_NETNS = '/proc/thread-self/ns/net'

/**
 * `netns` is a path, '' if the call has none. It is opened at its first use, which throws
 * NetnsError. `sysctls`: their folder where /proc/sys is read-only, as in a container.
 */
export function openKernel(netns: string, { sysctls = SYSCTLS }: { readonly sysctls?: string } = {}): Kernel {
  const namespaces = openNamespaces(new Opener(), {
    pod: () => openNetns(netns),
    node: () => openSync(NODE_NETNS, 'r'),
    close: closeSync,
    sysctls,
  })
  const sockets = new Map<string, PacketSocket>()
  const packetSocket = (of: LinkRef): PacketSocket => {
    const key = `${of.where}/${of.name}`
    const socket = sockets.get(key) ?? openSocketOn(namespaces, of)
    sockets.set(key, socket)
    return socket
  }
  return {
    apply: step => actOf(step).apply(namespaces, step),
    undo: step => actOf(step).undo(namespaces, step),
    mayBeDone: isUnanswered,
    observe: ({ node, pod }) => ({
      node: node ? observe(namespaces, 'node', node) : EMPTY_NETNS,
      pod: pod ? observe(namespaces, 'pod', pod) : EMPTY_NETNS,
    }),
    applyAsync: step => link.removeLinkAsync(namespaces, step),
    holders: ips => addressOwners(namespaces.at('node'), ips),
    send(frames, from) {
      for (const frame of frames) packetSocket(from).send(frame)
    },
    packetSocket,
    enter: () => void namespaces.fdOf('pod'),
    lock: file => namespaces.opener.lock(file),
    tryLock: file => namespaces.opener.tryLock(file),
    cost: () => namespaces.cost(),
    close() {
      for (const socket of sockets.values()) socket.close()
      namespaces.close()
    },
  }
}

const openSocketOn = (namespaces: Namespaces, of: LinkRef): PacketSocket =>
  openPacketSocket(namespaces.opener, { netns: namespaces.netnsOf(of.where), index: indexOf(namespaces, of) })
