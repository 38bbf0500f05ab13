// The kernel as a plan's hands and eyes: apply, undo, observe, send frames. Each verb beside what takes it back.
import { closeSync, openSync } from 'node:fs'
import type { Hands } from '../plan/run.js'
import type { Ip } from '../ip/address.js'
import { isUnanswered } from '../netlink/errno.js'
import { NOWHERE, type Seen } from '../plan/seen.js'
import type { Step, StepOf, Verb, Where } from '../plan/step.js'
import type { Act } from './acts/act.js'
import { addAddress } from './acts/address.js'
import * as link from './acts/link.js'
import { addNeigh, removeNeigh } from './acts/neigh.js'
import { setNftTable } from './acts/nft.js'
import { addRoute, removeRoute } from './acts/route.js'
import { addRule, removeRule, shareRule } from './acts/rule.js'
import { setSysctl } from './acts/sysctl.js'
import { holdersOf, type Holder } from './holders.js'
import { observe, type Wish } from './observe.js'
import { openNetns, Opener } from './open.js'
import { lineOn, type Line } from './packet.js'
import { indexOf, placesOf, type Cost, type Places } from './places.js'

/** Every verb, beside what takes it back. A verb without both does not compile. */
const ACTS: { readonly [V in Verb]: Act<StepOf<V>> } = {
  addLink: link.addLink,
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

export interface Kernel extends Hands {
  /** What is not wished for is empty; a place without a wish is not even opened. */
  observe(wishes: Readonly<Partial<Record<Where, Wish>>>): Seen
  /** Which of these addresses the node's own links have, and which link. Throws NetlinkError. */
  holders(ips: readonly Ip[]): readonly Holder[]
  /** Whole Ethernet frames, out of a link. */
  send(frames: readonly Uint8Array[], from: Named): void
  /** The link's line, one however often it is asked for; it closes with the kernel. */
  line(of: Named): Line
  /** Opens the pod's namespace now, where the first use would. Throws NetnsError. */
  enter(): void
  /** Holds a file against every other process until the returned function is called. Throws SystemError. */
  lock(file: string): () => void
  /** For who measures: netlink requests so far, and those of them that were dumps. */
  cost(): Cost
  close(): void
}

export interface Named {
  readonly where: Where
  readonly name: string
}

const NODE_NETNS = '/proc/thread-self/ns/net'

/** `netns` is a path, '' where a call has none; nothing is opened before it is used. Throws NetnsError then. */
export function openKernel(netns: string): Kernel {
  const places = placesOf(new Opener(), {
    pod: () => openNetns(netns),
    node: () => openSync(NODE_NETNS, 'r'),
    close: closeSync,
  })
  const lines = new Map<string, Line>()
  const line = (of: Named): Line => {
    const key = `${of.where}/${of.name}`
    const known = lines.get(key) ?? lineOf(places, of)
    lines.set(key, known)
    return known
  }
  return {
    apply: step => actOf(step).apply(places, step),
    undo: step => actOf(step).undo(places, step),
    mayBeDone: isUnanswered,
    observe: ({ node, pod }) => ({
      node: node ? observe(places, 'node', node) : NOWHERE,
      pod: pod ? observe(places, 'pod', pod) : NOWHERE,
    }),
    holders: ips => holdersOf(places.at('node'), ips),
    send(frames, from) {
      for (const frame of frames) line(from).send(frame)
    },
    line,
    enter: () => void places.fdOf('pod'),
    lock: file => places.opener.lock(file),
    cost: () => places.cost(),
    close() {
      for (const open of lines.values()) open.close()
      places.close()
    },
  }
}

const lineOf = (places: Places, of: Named): Line =>
  lineOn(places.opener, { netns: places.netnsOf(of.where), index: indexOf(places, of) })
