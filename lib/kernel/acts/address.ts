// Addresses of a link, put on and taken off.
import { bytesOf, familyOf } from '../../ip/address.js'
import { broadcastOf } from '../../ip/cidr.js'
import { addrAdd, addrDel, anyAddress, IFA_F, type Address } from '../../netlink/rtnl/addr.js'
import type { StepOf } from '../../plan/step.js'
import { AF } from '../family.js'
import { indexOf, unlessGone, type Places } from '../places.js'
import type { Act } from './act.js'

function messageOf(places: Places, { where, name, address, noDad }: StepOf<'addAddress'>): Address {
  const bytes = bytesOf(address.ip)
  const broadcast = broadcastOf(address)
  const header = {
    ...anyAddress,
    family: AF[familyOf(address.ip)],
    prefixLength: address.length,
    flags: noDad === true ? IFA_F.nodad : 0,
    index: indexOf(places, { where, name }),
  }
  return { header, attrs: { local: bytes, address: bytes, broadcast: broadcast && bytesOf(broadcast) } }
}

export const addAddress: Act<StepOf<'addAddress'>> = {
  apply: (places, step) => places.at(step.where).change(addrAdd, messageOf(places, step)),
  undo(places, step) {
    unlessGone(['EADDRNOTAVAIL', 'ENODEV'], () => {
      const { header, attrs } = messageOf(places, step)
      places.at(step.where).change(addrDel, { header, attrs: { local: attrs.local } })
    })
  },
}
