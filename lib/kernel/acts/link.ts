// Links: made, renamed, set up, altered, each beside its undoing. Translates our words into the kernel's names.
import { bytesOf } from '../../ip/address.js'
import { macBytes, type Mac } from '../../ip/mac.js'
import {
  anyLink,
  IFF,
  IPVLAN_MODE,
  linkAdd,
  linkChange,
  linkDel,
  linkSet,
  MACVLAN_MODE,
  type LinkInfo,
} from '../../netlink/rtnl/link.js'
import type { NewLink, StepOf, VethPeer, Where } from '../../plan/step.js'
import { indexOf, unlessGone, type Places } from '../places.js'
import type { Act } from './act.js'

const LINK_GONE = ['ENODEV']

interface Named {
  readonly where: Where
  readonly name: string
}

type Alteration = Parameters<typeof linkSet.codec.encode>[0]['attrs']

const set = (places: Places, { where, name }: Named, attrs: Alteration): void =>
  places.at(where).change(linkSet, { header: anyLink, attrs: { name, ...attrs } })

/** RTM_SETLINK by index, since the attribute of the name is the new name here. */
function renameTo(places: Places, { where, name, to, alias }: Named & { to: string; alias?: string }): void {
  const index = indexOf(places, { where, name })
  places.indexes.clear()
  places.at(where).change(linkSet, {
    header: { ...anyLink, index },
    attrs: { name: to, ...(alias !== undefined && { alias }) },
  })
}

const setFlagUp = (places: Places, { where, name }: Named, up: boolean): void =>
  places
    .at(where)
    .change(linkChange, { header: { ...anyLink, flags: up ? IFF.up : 0, change: IFF.up }, attrs: { name } })

const bytesOrNone = (mac: Mac | undefined): Uint8Array | undefined => mac && macBytes(mac)

export const addLink: Act<StepOf<'addLink'>> = {
  apply(places, { where, name, link, mtu, mac }) {
    places.indexes.clear()
    const from = senderOf(where, link)
    const parent = 'on' in link ? indexOf(places, { where: from, name: link.on }) : undefined
    places.at(from).change(linkAdd, {
      header: anyLink,
      attrs: {
        name,
        mtu,
        parent,
        address: bytesOrNone(mac),
        netnsFd: from === where ? undefined : places.fdOf(where),
        info: infoOf(places, from, link),
      },
    })
  },
  undo(places, { where, name }) {
    places.indexes.clear()
    unlessGone(LINK_GONE, () => places.at(where).change(linkDel, { header: anyLink, attrs: { name } }))
  },
}

/** A link is made from where its lower device is: an index means nothing elsewhere. */
const senderOf = (where: Where, link: NewLink): Where => ('on' in link ? (link.onWhere ?? 'node') : where)

function infoOf(places: Places, from: Where, link: NewLink): LinkInfo {
  switch (link.kind) {
    case 'macvlan':
      return {
        kind: 'macvlan',
        data: { mode: MACVLAN_MODE[link.mode], broadcastQueueLength: link.broadcastQueueLength },
      }
    case 'ipvlan':
      return { kind: 'ipvlan', data: { mode: IPVLAN_MODE[link.mode] } }
    case 'vlan':
      return { kind: 'vlan', data: { id: link.id } }
    case 'veth':
      return { kind: 'veth', data: { peer: { header: anyLink, attrs: peerOf(places, from, link.peer) } } }
    case 'bond': {
      const { arpIpTarget, adActorSystem, ...numbers } = link.options
      return {
        kind: 'bond',
        data: { ...numbers, arpIpTarget: arpIpTarget?.map(bytesOf), adActorSystem: bytesOrNone(adActorSystem) },
      }
    }
    case 'bridge':
      return { kind: 'bridge' }
  }
}

const peerOf = (places: Places, from: Where, { where, name, mtu, mac }: VethPeer) => ({
  name,
  mtu,
  address: bytesOrNone(mac),
  netnsFd: where === from ? undefined : places.fdOf(where),
})

export const rename: Act<StepOf<'rename'>> = {
  apply: (places, step) => renameTo(places, step),
  undo(places, { where, name, to }) {
    unlessGone(LINK_GONE, () => renameTo(places, { where, name: to, to: name }))
  },
}

export const setUp: Act<StepOf<'setUp'>> = {
  apply: (places, step) => setFlagUp(places, step, true),
  undo(places, step) {
    if (!step.was) unlessGone(LINK_GONE, () => setFlagUp(places, step, false))
  },
}

export const setDown: Act<StepOf<'setDown'>> = {
  apply: (places, step) => setFlagUp(places, step, false),
  undo(places, step) {
    if (step.was) unlessGone(LINK_GONE, () => setFlagUp(places, step, true))
  },
}

export const setActiveSlave: Act<StepOf<'setActiveSlave'>> = {
  apply(places, { where, name, slave }) {
    const activeSlave = indexOf(places, { where, name: slave })
    places
      .at(where)
      .change(linkChange, { header: anyLink, attrs: { name, info: { kind: 'bond', data: { activeSlave } } } })
  },
  undo: () => undefined,
}

export const setMtu: Act<StepOf<'setMtu'>> = {
  apply: (places, step) => set(places, step, { mtu: step.mtu }),
  undo: (places, step) => unlessGone(LINK_GONE, () => set(places, step, { mtu: step.was })),
}

export const setMac: Act<StepOf<'setMac'>> = {
  apply: (places, step) => set(places, step, { address: macBytes(step.mac) }),
  undo: (places, step) => unlessGone(LINK_GONE, () => set(places, step, { address: macBytes(step.was) })),
}

export const setQueueLength: Act<StepOf<'setQueueLength'>> = {
  apply: (places, step) => set(places, step, { txQueueLength: step.length }),
  undo: (places, step) => unlessGone(LINK_GONE, () => set(places, step, { txQueueLength: step.was })),
}

export const setAlias: Act<StepOf<'setAlias'>> = {
  apply: (places, step) => set(places, step, { alias: step.alias }),
  undo: (places, step) => unlessGone(LINK_GONE, () => set(places, step, { alias: step.was ?? '' })),
}

/** 0 releases (<linux/if_link.h>, IFLA_MASTER). */
const masterIndex = (places: Places, where: Where, name: string | undefined): number =>
  name === undefined ? 0 : indexOf(places, { where, name })

export const setMaster: Act<StepOf<'setMaster'>> = {
  apply: (places, step) => set(places, step, { master: masterIndex(places, step.where, step.master) }),
  undo: (places, step) =>
    unlessGone(LINK_GONE, () => set(places, step, { master: masterIndex(places, step.where, step.was) })),
}
