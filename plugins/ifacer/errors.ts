// What a refused step is called: the reference plugin's sentences, and what to look at. Pure.
import { CniError } from '../../lib/cni/error.js'
import type { Step } from '../../lib/plan/step.js'

/** `reason` is the kernel's, in words; `code` the errno's name. */
export const refusalOf = (step: Step, reason: string, code: string | undefined): CniError =>
  new CniError(
    isOfConf(step, code) ? 'invalidConfig' : 'internal',
    `${messageOf(step)}: ${reason}`,
    hintOf(step, reason, code),
  )

/** The kernel refuses a value that the conf gave. */
const isOfConf = (step: Step, code: string | undefined): boolean =>
  step.verb === 'addLink' && step.link.kind === 'bond' && code === 'EINVAL'

function messageOf(step: Step): string {
  switch (step.verb) {
    case 'addLink':
      return step.link.kind === 'vlan'
        ? `failed to createVlanDevice: failed to create ${step.name}`
        : 'failed to createBondDevice: failed to create the bond'
    case 'setMaster':
      return `failed to createBondDevice: failed to make ${step.name} a member`
    case 'setActiveSlave':
      return `failed to createBondDevice: failed to make ${step.slave} the active_slave of ${step.name}`
    case 'rename':
      return `failed to name the new link ${step.to}`
    case 'setMtu':
      return `failed to set mtu ${step.mtu} on the bond`
    case 'setAlias':
      return `failed to mark ${step.name} as made by ifacer`
    case 'setUp':
      return `failed to set ${step.name} up`
    case 'setDown':
      return `failed to set ${step.name} down`
    default:
      return `${step.verb} failed` // ifacer's plans have no other step
  }
}

function hintOf(step: Step, reason: string, code: string | undefined): string {
  if (code === 'EPERM') return 'ifacer needs CAP_NET_ADMIN on the node'
  if (step.verb === 'setMaster' && code === 'EBUSY')
    return 'a macvlan, an ipvlan or a bridge has it, in a pod perhaps: name another interface, or remove what stands on it'
  if (step.verb !== 'addLink') return ''
  const { kind } = step.link
  if (reason.includes('VLANs not supported on device')) return 'name an interface that takes VLANs'
  if (code === 'EOPNOTSUPP') return `the kernel has no ${kind}: modprobe ${kind === 'vlan' ? '8021q' : 'bonding'}`
  if (kind === 'bond' && code === 'EINVAL') return 'bond.options has a value that does not go with bond.mode'
  return ''
}
