// Error messages of failed and of unsatisfied steps. Pure.
import { CniError } from '../../lib/cni/error.js'
import { formatPrefix } from '../../lib/ip/cidr.js'
import type { Step } from '../../lib/plan/step.js'
import { placeOf, routeText, ruleText } from '../../lib/plan/text.js'

export interface StepRefusal {
  readonly step: Step
  /** Errno text and extended ack. */
  readonly reason: string
  /** Errno name. */
  readonly code: string | undefined
  readonly notUndone: readonly string[]
}

/** The CNI error of a failed step, with a hint and what could not be undone. */
export function refusalOf({ step, reason, code, notUndone }: StepRefusal): CniError {
  const left = notUndone.length === 0 ? [] : [`not undone: ${notUndone.join('; ')}`]
  const details = [...hintFor(step, code), ...left].join('; ')
  return new CniError('internal', `failed to ${actionOf(step)}: ${reason}`, details)
}

/** `set net1 up in the container`. */
export const actionOf = (step: Step): string => `${verbOf(step)} ${placeOf(step)}`

function verbOf(step: Step): string {
  switch (step.verb) {
    case 'addLink':
      return `add link ${step.name} of kind ${step.link.kind}${step.link.kind === 'veth' ? `, its peer ${step.link.peer.name}` : ''}`
    case 'removeLink':
      return `remove link ${step.name}`
    case 'rename':
      return `rename ${step.name} to ${step.to}`
    case 'setUp':
      return `set ${step.name} up`
    case 'setDown':
      return `set ${step.name} down`
    case 'setActiveSlave':
      return `make ${step.slave} the active slave of ${step.name}`
    case 'setMtu':
      return `set the MTU of ${step.name} to ${step.mtu}`
    case 'setMac':
      return `update hardware address for interface ${step.name} to ${step.mac}`
    case 'setQueueLength':
      return `set ${step.name} txQueueLen to ${step.length}`
    case 'setAlias':
      return `set the alias of ${step.name}`
    case 'setMaster':
      return `set the master of ${step.name}`
    case 'addAddress':
      return `add address ${formatPrefix(step.address)} to ${step.name}`
    case 'setSysctl':
      return `set sysctl ${step.path} to ${step.value}`
    case 'setNftTable':
      return `set nf_tables table inet ${step.table.name}`
    case 'addNeigh':
    case 'addRoute':
    case 'addRule':
    case 'shareRule':
      return `add ${subjectOf(step)}`
    case 'removeNeigh':
    case 'removeRoute':
    case 'removeRule':
      return `remove ${subjectOf(step)}`
  }
}

type Entry = Extract<
  Step,
  { verb: 'addNeigh' | 'addRoute' | 'addRule' | 'shareRule' | 'removeNeigh' | 'removeRoute' | 'removeRule' }
>

function subjectOf(step: Entry): string {
  switch (step.verb) {
    case 'addNeigh':
    case 'removeNeigh':
      return `neighbour ${step.ip}${step.mac === undefined ? '' : ` lladdr ${step.mac}`} dev ${step.name}`
    case 'addRoute':
    case 'removeRoute':
      return `route ${routeText(step.route)}`
    case 'addRule':
    case 'removeRule':
    case 'shareRule':
      return `rule ${ruleText(step.rule)}`
  }
}

/** For CHECK: the message of an unsatisfied step. */
export function absenceOf(step: Step): string {
  switch (step.verb) {
    case 'setUp':
      return `${step.name} ${placeOf(step)} is down`
    case 'setMac':
      return `${step.name} ${placeOf(step)}: MAC is not ${step.mac}`
    case 'setMtu':
      return `${step.name} ${placeOf(step)}: MTU is not ${step.mtu}`
    case 'setQueueLength':
      return `${step.name} ${placeOf(step)}: txQueueLen is not ${step.length}`
    case 'setSysctl':
      return `sysctl ${step.path} ${placeOf(step)} is ${step.was ?? 'missing'}, not ${step.value}`
    case 'setNftTable':
      return `nf_tables table inet ${step.table.name} ${placeOf(step)} is ${step.was === undefined ? 'missing' : 'different'}`
    case 'removeLink':
      return `link ${step.name} ${placeOf(step)} is still there`
    case 'removeNeigh':
    case 'removeRoute':
    case 'removeRule':
      return `${subjectOf(step)} ${placeOf(step)} is still there`
    case 'addNeigh':
    case 'addRoute':
    case 'addRule':
    case 'shareRule':
      return `${subjectOf(step)} ${placeOf(step)} is missing`
    case 'addLink':
      return `link ${step.name} ${placeOf(step)} is missing`
    case 'addAddress':
      return `address ${formatPrefix(step.address)} of ${step.name} ${placeOf(step)} is missing`
    case 'rename':
    case 'setDown':
    case 'setActiveSlave':
    case 'setAlias':
    case 'setMaster':
      return `${verbOf(step)} ${placeOf(step)}: not applied`
  }
}

function hintFor(step: Step, code: string | undefined): readonly string[] {
  if (code === 'EPERM') return ['coordinator needs CAP_NET_ADMIN on the node and in the container']
  if (code === 'EROFS' || code === 'EACCES') return step.verb === 'setSysctl' ? ['is /proc/sys writable here?'] : []
  if (step.verb === 'setMac' && code === 'EADDRNOTAVAIL') return ['maybe podMACPrefix is invalid']
  if (step.verb === 'setMac' && code === 'EADDRINUSE')
    return [
      `another interface on the master of ${step.name} has the MAC ${step.mac}: an older sandbox with this address, or a "mac" like it`,
    ]
  if (step.verb === 'addLink' && code === 'EEXIST') return [`a link ${step.name} or its peer exists already`]
  if (step.verb === 'addLink' && code === 'EOPNOTSUPP')
    return [`the kernel has no ${step.link.kind}: modprobe ${step.link.kind}`]
  if (step.verb === 'addLink' && code === 'EINVAL') return ['is vethMTU too large?']
  if (step.verb === 'addRoute' && (code === 'ENETUNREACH' || code === 'EHOSTUNREACH'))
    return step.route.via === undefined
      ? []
      : [`gateway ${step.route.via} cannot be reached by ${step.route.dev ?? ''}`]
  return []
}
