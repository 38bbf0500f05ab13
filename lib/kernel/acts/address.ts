// RTM_NEWADDR and RTM_DELADDR for `addAddress`.
import { bytesOf, familyOf } from '../../ip/address.js'
import { broadcastOf } from '../../ip/cidr.js'
import { addrAdd, addrDel, anyAddress, IFA_F, type Address } from '../../netlink/rtnl/addr.js'
import type { StepOf } from '../../plan/step.js'
import { AF } from '../family.js'
import { indexOf, unlessGone, type Namespaces } from '../netns-pair.js'
import type { Act } from './act.js'

function messageOf(namespaces: Namespaces, { where, name, address, noDad }: StepOf<'addAddress'>): Address {
  const bytes = bytesOf(address.ip)
  const broadcast = broadcastOf(address)
  const header = {
    ...anyAddress,
    family: AF[familyOf(address.ip)],
    prefixLength: address.length,
    flags: noDad === true ? IFA_F.nodad : 0,
    index: indexOf(namespaces, { where, name }),
  }
  return { header, attrs: { local: bytes, address: bytes, broadcast: broadcast && bytesOf(broadcast) } }
}

export const addAddress: Act<StepOf<'addAddress'>> = {
  apply: (namespaces, step) => namespaces.at(step.where).change(addrAdd, messageOf(namespaces, step)),
  undo(namespaces, step) {
    unlessGone(['EADDRNOTAVAIL', 'ENODEV'], () => {
      const { header, attrs } = messageOf(namespaces, step)
      namespaces.at(step.where).change(addrDel, { header, attrs: { local: attrs.local } })
    })
  },
}
