// Link steps as RTM_NEWLINK, RTM_SETLINK and RTM_DELLINK, each with its undo.
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
import { indexOf, unlessGone, type Namespaces } from '../netns-pair.js'
import type { Act } from './act.js'

const LINK_GONE = ['ENODEV']

interface Named {
  readonly where: Where
  readonly name: string
}

type Alteration = Parameters<typeof linkSet.codec.encode>[0]['attrs']

const set = (namespaces: Namespaces, { where, name }: Named, attrs: Alteration): void =>
  namespaces.at(where).change(linkSet, { header: anyLink, attrs: { name, ...attrs } })

/** RTM_SETLINK by index: IFLA_IFNAME is the new name here. */
function renameTo(namespaces: Namespaces, { where, name, to, alias }: Named & { to: string; alias?: string }): void {
  const index = indexOf(namespaces, { where, name })
  namespaces.indexes.clear()
  namespaces.at(where).change(linkSet, {
    header: { ...anyLink, index },
    attrs: { name: to, ...(alias !== undefined && { alias }) },
  })
}

const setFlagUp = (namespaces: Namespaces, { where, name }: Named, up: boolean): void =>
  namespaces
    .at(where)
    .change(linkChange, { header: { ...anyLink, flags: up ? IFF.up : 0, change: IFF.up }, attrs: { name } })

const bytesOrNone = (mac: Mac | undefined): Uint8Array | undefined => mac && macBytes(mac)

export const addLink: Act<StepOf<'addLink'>> = {
  apply(namespaces, { where, name, link, mtu, mac }) {
    namespaces.indexes.clear()
    const from = senderOf(where, link)
    const parent = 'on' in link ? indexOf(namespaces, { where: from, name: link.on }) : undefined
    namespaces.at(from).change(linkAdd, {
      header: anyLink,
      attrs: {
        name,
        mtu,
        parent,
        address: bytesOrNone(mac),
        netnsFd: from === where ? undefined : namespaces.fdOf(where),
        info: infoOf(namespaces, from, link),
      },
    })
  },
  undo: remove,
}

/** A link that is gone already is fine. */
function remove(namespaces: Namespaces, { where, name }: Named): void {
  namespaces.indexes.clear()
  unlessGone(LINK_GONE, () => namespaces.at(where).change(linkDel, { header: anyLink, attrs: { name } }))
}

/** The same while this thread does other work: the kernel waits for RCU, some 15 ms. */
export async function removeLinkAsync(namespaces: Namespaces, { where, name }: Named): Promise<void> {
  namespaces.indexes.clear()
  try {
    await namespaces.at(where).changeAsync(linkDel, { header: anyLink, attrs: { name } })
  } catch (error) {
    unlessGone(LINK_GONE, () => {
      throw error
    })
  }
}

/** Undo is a no-op: what the link carried (addresses, routes, links on it) is gone with it. */
export const removeLink: Act<StepOf<'removeLink'>> = { apply: remove, undo: () => undefined }

/** A link is added from the namespace of its lower device, where IFLA_LINK is valid. */
const senderOf = (where: Where, link: NewLink): Where => ('on' in link ? (link.onWhere ?? 'node') : where)

function infoOf(namespaces: Namespaces, from: Where, link: NewLink): LinkInfo {
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
      return { kind: 'veth', data: { peer: { header: anyLink, attrs: peerOf(namespaces, from, link.peer) } } }
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

const peerOf = (namespaces: Namespaces, from: Where, { where, name, mtu, mac }: VethPeer) => ({
  name,
  mtu,
  address: bytesOrNone(mac),
  netnsFd: where === from ? undefined : namespaces.fdOf(where),
})

export const rename: Act<StepOf<'rename'>> = {
  apply: (namespaces, step) => renameTo(namespaces, step),
  undo(namespaces, { where, name, to }) {
    unlessGone(LINK_GONE, () => renameTo(namespaces, { where, name: to, to: name }))
  },
}

export const setUp: Act<StepOf<'setUp'>> = {
  apply: (namespaces, step) => setFlagUp(namespaces, step, true),
  undo(namespaces, step) {
    if (!step.was) unlessGone(LINK_GONE, () => setFlagUp(namespaces, step, false))
  },
}

export const setDown: Act<StepOf<'setDown'>> = {
  apply: (namespaces, step) => setFlagUp(namespaces, step, false),
  undo(namespaces, step) {
    if (step.was) unlessGone(LINK_GONE, () => setFlagUp(namespaces, step, true))
  },
}

export const setActiveSlave: Act<StepOf<'setActiveSlave'>> = {
  apply(namespaces, { where, name, slave }) {
    const activeSlave = indexOf(namespaces, { where, name: slave })
    namespaces
      .at(where)
      .change(linkChange, { header: anyLink, attrs: { name, info: { kind: 'bond', data: { activeSlave } } } })
  },
  undo: () => undefined,
}

export const setMtu: Act<StepOf<'setMtu'>> = {
  apply: (namespaces, step) => set(namespaces, step, { mtu: step.mtu }),
  undo: (namespaces, step) => unlessGone(LINK_GONE, () => set(namespaces, step, { mtu: step.was })),
}

export const setMac: Act<StepOf<'setMac'>> = {
  apply: (namespaces, step) => set(namespaces, step, { address: macBytes(step.mac) }),
  undo: (namespaces, step) => unlessGone(LINK_GONE, () => set(namespaces, step, { address: macBytes(step.was) })),
}

export const setQueueLength: Act<StepOf<'setQueueLength'>> = {
  apply: (namespaces, step) => set(namespaces, step, { txQueueLength: step.length }),
  undo: (namespaces, step) => unlessGone(LINK_GONE, () => set(namespaces, step, { txQueueLength: step.was })),
}

export const setAlias: Act<StepOf<'setAlias'>> = {
  apply: (namespaces, step) => set(namespaces, step, { alias: step.alias }),
  undo: (namespaces, step) => unlessGone(LINK_GONE, () => set(namespaces, step, { alias: step.was ?? '' })),
}

/** IFLA_MASTER 0 releases (<linux/if_link.h>). */
const masterIndex = (namespaces: Namespaces, where: Where, name: string | undefined): number =>
  name === undefined ? 0 : indexOf(namespaces, { where, name })

export const setMaster: Act<StepOf<'setMaster'>> = {
  apply: (namespaces, step) => set(namespaces, step, { master: masterIndex(namespaces, step.where, step.master) }),
  undo: (namespaces, step) =>
    unlessGone(LINK_GONE, () => set(namespaces, step, { master: masterIndex(namespaces, step.where, step.was) })),
}
