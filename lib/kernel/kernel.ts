// The kernel as a plan's hands and eyes: apply, undo, observe, send frames. Each verb beside what takes it back.
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
import { setSysctl } from './acts/sysctl.js'
import { addressOwners, type AddressOwner } from './local-addresses.js'
import { observe, type Query } from './observe.js'
import { openNetns, Opener } from './sockets.js'
import { openPacketSocket, type PacketSocket } from './packet-socket.js'
import { indexOf, openNamespaces, type NetlinkCost, type Namespaces } from './namespaces.js'

/** Every verb, beside what takes it back. A verb without both does not compile. */
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

/** The table gives each step the act of its own verb, which the compiler cannot follow through a union. */
const actOf = (step: Step): Act<Step> => ACTS[step.verb] as Act<Step>

export interface Kernel extends Executor {
  /** What is not wished for is empty; a place without a wish is not even opened. */
  observe(wishes: Readonly<Partial<Record<Where, Query>>>): Observed
  /** Which of these addresses the node's own links have, and which link. Throws NetlinkError. */
  holders(ips: readonly Ip[]): readonly AddressOwner[]
  /** Whole Ethernet frames, out of a link. */
  send(frames: readonly Uint8Array[], from: LinkRef): void
  /** The link's line, one however often it is asked for; it closes with the kernel. */
  packetSocket(of: LinkRef): PacketSocket
  /** Opens the pod's namespace now, where the first use would. Throws NetnsError. */
  enter(): void
  /** Holds a file against every other process until the returned function is called. Throws SystemError. */
  lock(file: string): () => void
  /** For who measures: netlink requests so far, and those of them that were dumps. */
  cost(): NetlinkCost
  close(): void
}

export interface LinkRef {
  readonly where: Where
  readonly name: string
}

const NODE_NETNS = '/proc/thread-self/ns/net'

/** `netns` is a path, '' where a call has none; nothing is opened before it is used. Throws NetnsError then. */
export function openKernel(netns: string): Kernel {
  const namespaces = openNamespaces(new Opener(), {
    pod: () => openNetns(netns),
    node: () => openSync(NODE_NETNS, 'r'),
    close: closeSync,
  })
  const lines = new Map<string, PacketSocket>()
  const line = (of: LinkRef): PacketSocket => {
    const key = `${of.where}/${of.name}`
    const known = lines.get(key) ?? lineOf(namespaces, of)
    lines.set(key, known)
    return known
  }
  return {
    apply: step => actOf(step).apply(namespaces, step),
    undo: step => actOf(step).undo(namespaces, step),
    mayBeDone: isUnanswered,
    observe: ({ node, pod }) => ({
      node: node ? observe(namespaces, 'node', node) : EMPTY_NETNS,
      pod: pod ? observe(namespaces, 'pod', pod) : EMPTY_NETNS,
    }),
    holders: ips => addressOwners(namespaces.at('node'), ips),
    send(frames, from) {
      for (const frame of frames) line(from).send(frame)
    },
    packetSocket: line,
    enter: () => void namespaces.fdOf('pod'),
    lock: file => namespaces.opener.lock(file),
    cost: () => namespaces.cost(),
    close() {
      for (const open of lines.values()) open.close()
      namespaces.close()
    },
  }
}

const lineOf = (namespaces: Namespaces, of: LinkRef): PacketSocket =>
  openPacketSocket(namespaces.opener, { netns: namespaces.netnsOf(of.where), index: indexOf(namespaces, of) })
