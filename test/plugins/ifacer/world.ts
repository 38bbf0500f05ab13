// A node's links in memory, with the kernel's rules that ifacer leans on: names are unique, a bond
// takes what is down, a passthru macvlan stands alone.
import type { Query } from '../../../lib/kernel/observe.js'
import { EMPTY_NETNS, type Observed, type ObservedLink } from '../../../lib/plan/state.js'
import type { Step, StepOf, Where } from '../../../lib/plan/step.js'
import type { LinkUsers, LinkUser } from '../../../plugins/ifacer/link-users.js'
import type { IfacerKernel } from '../../../plugins/ifacer/links.js'

/** Where schedules run: a node, and pods that stand on its links. */
export interface Arena {
  readonly kernel: IfacerKernel
  readonly users: LinkUsers
  /** A pod's macvlan, in the pod; throws where the link does not take one. */
  plug(pod: string, on: string): void
  unplug(pod: string): void
  /** The node's links. */
  links(): readonly ObservedLink[]
  /** Its macvlan is there: it goes with the link below it. */
  isPlugged(pod: string): boolean
}

class Refused extends Error {
  readonly code: string
  constructor(code: string) {
    super(code)
    this.code = code
  }
}

type Link = { -readonly [K in keyof ObservedLink]: ObservedLink[K] } & { pod?: string; passthru?: boolean }

const MTU_MAX = 65_535
const plain = (index: number, name: string): Link => ({
  index,
  name,
  kind: undefined,
  mtu: 1500,
  mac: undefined,
  flags: 0,
  up: true,
  operState: 6,
  queueLength: 0,
  parent: undefined,
  parentElsewhere: false,
  master: undefined,
})

export class World implements Arena {
  #all: Link[]
  #next: number
  #held: Map<string, LinkUser>

  constructor(of: readonly string[] | World) {
    this.#all = of instanceof World ? structuredClone(of.#all) : of.map((name, at) => plain(at + 2, name))
    this.#next = of instanceof World ? of.#next : of.length + 2
    this.#held = new Map(of instanceof World ? of.#held : [])
  }

  readonly users: LinkUsers = {
    links: () => [...new Set([...this.#held.keys()].map(key => key.split('/')[0] ?? ''))].sort(),
    usersOf: link => [...this.#held].filter(([key]) => key.startsWith(`${link}/`)).map(([, user]) => user),
    put: (link, user) => {
      const isNew = !this.#held.has(keyOf(link, user))
      this.#held.set(keyOf(link, user), user)
      return isNew
    },
    drop: (link, user) => void this.#held.delete(keyOf(link, user)),
  }

  readonly kernel: IfacerKernel = {
    lock: () => () => undefined,
    apply: step => this.#apply(step),
    undo: step => this.#undo(step),
    observe: ({ node }): Observed => ({ node: { ...EMPTY_NETNS, links: this.#seen(node ?? {}) }, pod: EMPTY_NETNS }),
  }

  links = (): readonly ObservedLink[] => this.#all.filter(({ pod }) => pod === undefined)

  plug(pod: string, on: string): void {
    this.#add(`pod-${pod}`, { kind: 'macvlan', on, mode: 'bridge' }, pod)
  }

  unplug(pod: string): void {
    this.#all = this.#all.filter(link => link.pod !== pod)
  }

  isPlugged(pod: string): boolean {
    return this.#all.some(link => link.pod === pod)
  }

  /** All that can make a difference later. */
  key(): string {
    const name = (index: number | undefined) => this.#all.find(link => link.index === index)?.name
    const links = this.#all.map(({ index: _, parent, master, ...link }) => ({
      ...link,
      on: name(parent),
      in: name(master),
    }))
    return JSON.stringify([links.sort((a, b) => (a.name < b.name ? -1 : 1)), [...this.#held.keys()].sort()])
  }

  #seen({ links = [], membersOf }: Query): readonly ObservedLink[] {
    const all = this.#all.filter(({ pod }) => pod === undefined)
    const master = all.find(({ name }) => name === membersOf)
    return all.filter(
      link => links === 'all' || links.includes(link.name) || (master !== undefined && link.master === master.index),
    )
  }

  #named(name: string): Link {
    const link = this.#all.find(one => one.name === name && one.pod === undefined)
    if (link === undefined) throw new Refused('ENODEV')
    return link
  }

  #add(name: string, link: StepOf<'addLink'>['link'], pod?: string): void {
    if (this.#all.some(one => one.name === name && one.pod === pod)) throw new Refused('EEXIST')
    const made: Link = { ...plain(this.#next, name), kind: link.kind, up: false, ...(pod !== undefined && { pod }) }
    if ('on' in link) made.parent = this.#named(link.on).index
    if (link.kind === 'vlan') {
      if (this.#all.some(one => one.parent === made.parent && one.vlan?.id === link.id)) throw new Refused('EEXIST')
      made.vlan = { id: link.id }
    }
    if (link.kind === 'bond') made.bond = link.options
    if (link.kind === 'macvlan') {
      const others = this.#all.filter(one => one.kind === 'macvlan' && one.parent === made.parent)
      made.passthru = link.mode === 'passthru'
      if (others.some(({ passthru }) => passthru) || (made.passthru && others.length > 0)) throw new Refused('EINVAL')
      if (this.#all.find(({ index }) => index === made.parent)?.master) throw new Refused('EBUSY')
    }
    this.#next++
    this.#all.push(made)
  }

  /** With all that stands on it; a bond lets its members go, and they are down. */
  #remove(link: Link): void {
    this.#all = this.#all.filter(one => one !== link)
    for (const member of this.#all.filter(({ master }) => master === link.index)) {
      member.master = undefined
      member.up = false
    }
    for (const upper of this.#all.filter(({ parent }) => parent === link.index)) this.#remove(upper)
  }

  #rename(name: string, to: string): void {
    const link = this.#named(name)
    if (link.up) throw new Refused('EBUSY')
    if (this.#all.some(one => one.name === to && one.pod === undefined)) throw new Refused('EEXIST')
    link.name = to
  }

  #apply(step: Step): void {
    switch (step.verb) {
      case 'addLink':
        return this.#add(step.name, step.link)
      case 'removeLink': {
        const link = this.#all.find(one => one.name === step.name && one.pod === undefined)
        return link && this.#remove(link)
      }
      case 'rename':
        return this.#rename(step.name, step.to)
      case 'setUp':
      case 'setDown':
        this.#named(step.name).up = step.verb === 'setUp'
        return
      case 'setAlias':
        this.#named(step.name).alias = step.alias
        return
      case 'setMtu':
        if (step.mtu > MTU_MAX) throw new Refused('EINVAL')
        this.#named(step.name).mtu = step.mtu
        return
      case 'setMaster': {
        const [link, master] = [this.#named(step.name), this.#named(step.master ?? '')]
        if (link.up || link.master) throw new Refused('EPERM')
        link.master = master.index
        return
      }
      default:
        throw new Error(`${step.verb} is none of ifacer's steps`)
    }
  }

  #undo(step: Step): void {
    const link = this.#all.find(one => one.name === ('to' in step ? step.to : (step as Named).name) && !one.pod)
    if (link === undefined) return
    switch (step.verb) {
      case 'addLink':
        return this.#remove(link)
      case 'rename':
        return this.#rename(step.to, step.name)
      case 'setUp':
      case 'setDown':
        link.up = step.was
        return
      case 'setMaster':
        link.master = undefined
        link.up = false
        return
      default:
    }
  }
}

interface Named {
  readonly name: string
  readonly where: Where
}

const keyOf = (link: string, { network, containerID, ifName }: LinkUser): string =>
  `${link}/${network}/${containerID}/${ifName}`
