// Permanent neighbours: `addNeigh` and `removeNeigh` undo each other.
import { bytesOf, familyOf, type Ip } from '../../ip/address.js'
import { macBytes, type Mac } from '../../ip/mac.js'
import { anyNeigh, neighAdd, neighDel, neighReplace, NUD, type Neigh } from '../../netlink/rtnl/neigh.js'
import type { StepOf, Where } from '../../plan/step.js'
import { AF } from '../family.js'
import { indexOf, unlessGone, type Namespaces } from '../netns-pair.js'
import type { Act } from './act.js'

const NEIGH_GONE = ['ENOENT', 'ENODEV']

interface Entry {
  readonly where: Where
  readonly name: string
  readonly ip: Ip
}

const messageOf = (namespaces: Namespaces, { where, name, ip }: Entry): Neigh => ({
  header: { ...anyNeigh, family: AF[familyOf(ip)], index: indexOf(namespaces, { where, name }) },
  attrs: { dst: bytesOf(ip) },
})

function add(namespaces: Namespaces, entry: Entry, mac: Mac, how: typeof neighAdd): void {
  const { header, attrs } = messageOf(namespaces, entry)
  namespaces.at(entry.where).change(how, {
    header: { ...header, state: NUD.permanent },
    attrs: { ...attrs, mac: macBytes(mac) },
  })
}

const remove = (namespaces: Namespaces, entry: Entry): void =>
  namespaces.at(entry.where).change(neighDel, messageOf(namespaces, entry))

export const addNeigh: Act<StepOf<'addNeigh'>> = {
  /** Replaces an entry that the kernel learnt; the plan removes a wrong permanent one first. */
  apply: (namespaces, step) => add(namespaces, step, step.mac, neighReplace),
  undo: (namespaces, step) => unlessGone(NEIGH_GONE, () => remove(namespaces, step)),
}

export const removeNeigh: Act<StepOf<'removeNeigh'>> = {
  apply: (namespaces, step) => unlessGone(NEIGH_GONE, () => remove(namespaces, step)), // deleted with its link
  undo(namespaces, step) {
    const { mac } = step // undefined: it was never resolved
    if (mac !== undefined) unlessGone(['EEXIST', 'ENODEV'], () => add(namespaces, step, mac, neighAdd))
  },
}
