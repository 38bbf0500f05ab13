// The CNI error of a failed step: the reference plugin's sentences, and a hint. Pure.
import { CniError } from '../../lib/cni/error.js'
import { formatPrefix } from '../../lib/ip/cidr.js'
import type { Route, Step, StepOf } from '../../lib/plan/step.js'

/** A step that the kernel refused; `reason` is its text, `code` the errno's name. */
export interface MacvlanRefusal {
  readonly step: Step
  readonly reason: string
  readonly code: string | undefined
  readonly ifName: string
  /** The requested MAC, '' for none. */
  readonly mac?: string
}

/** The error of the step, with the reference plugin's sentence. */
export function refusalOf({ step, reason, code, ifName, mac = '' }: MacvlanRefusal): CniError {
  const { message, hint } = sentenceOf(step, { ifName, mac }, code)
  const isWrongMac = step.verb === 'addLink' && code === 'EADDRNOTAVAIL'
  return new CniError(isWrongMac ? 'invalidConfig' : 'internal', `${message}: ${reason}`, hint)
}

interface Sentence {
  readonly message: string
  readonly hint?: string | undefined
}

function sentenceOf(step: Step, { ifName, mac }: { ifName: string; mac: string }, code: string | undefined): Sentence {
  switch (step.verb) {
    case 'addLink':
      return { message: 'failed to create macvlan', hint: linkHint(step, code) }
    case 'rename':
      return {
        message: `failed to rename macvlan to "${step.to}"`,
        hint: code === 'EEXIST' ? `the container has an interface ${step.to} already; it was left as it is` : undefined,
      }
    case 'addAddress':
      return {
        message: `failed to add IP addr ${formatPrefix(step.address)} to "${ifName}"`,
        hint: code === 'EEXIST' ? `IPAM gave ${formatPrefix(step.address)} twice` : undefined,
      }
    case 'setUp':
      return { message: `failed to set "${ifName}" UP`, hint: code === 'EADDRINUSE' ? macHint(mac) : undefined }
    case 'addRoute':
      return { message: `failed to add route '${routeText(step.route)}'`, hint: routeHint(step.route, code) }
    case 'setSysctl':
      return { message: `failed to set sysctl ${step.path} to ${step.value}`, hint: 'is /proc/sys writable here?' }
    default:
      return { message: `${step.verb} failed` } // macvlan's plans have no other step
  }
}

function linkHint({ link, mac, mtu }: StepOf<'addLink'>, code: string | undefined): string | undefined {
  if (link.kind !== 'macvlan') return undefined
  switch (code) {
    case 'EINVAL':
      return `the kernel refuses mode "${link.mode}"${mtu === undefined ? '' : ` or mtu ${mtu}`} on master "${link.on}": passthru allows no other macvlan beside it`
    case 'EBUSY':
      return `master "${link.on}" is in use by something that excludes a macvlan, such as an ipvlan, a bridge or a bond`
    case 'EADDRNOTAVAIL':
      return `mac ${mac ?? ''} is not a unicast address`
    case 'EOPNOTSUPP':
      return 'the kernel has no macvlan: modprobe macvlan'
    case 'EPERM':
      return 'macvlan needs CAP_NET_ADMIN on the node and in the container'
    default:
      return undefined
  }
}

/**
 * macvlan_open (drivers/net/macvlan.c): a MAC must be unique on a master, and not the master's own.
 */
const macHint = (mac: string): string =>
  `another interface on the master, or the master itself, has the MAC ${mac}: give another "mac", or none`

function routeHint({ via, table }: Route, code: string | undefined): string | undefined {
  switch (code) {
    case 'ENETUNREACH':
    case 'EHOSTUNREACH':
      return via === undefined ? undefined : `gateway ${via} is in none of the interface's networks`
    case 'EEXIST':
      return `table ${table ?? 'main'} has this route already`
    default:
      return undefined
  }
}

const routeText = ({ dst, via, dev, metric, scope, table }: Route): string =>
  `${dst} via ${via ?? '<nil>'} dev ${dev ?? ''} metric ${metric ?? 0} (Scope: ${scopeName(scope ?? 0)}, Table: ${table ?? 0})`

/** RT_SCOPE_*, as vishvananda/netlink prints them. */
const SCOPES: Readonly<Record<number, string>> = {
  0: 'universe',
  200: 'site',
  253: 'link',
  254: 'host',
  255: 'nowhere',
}
const scopeName = (scope: number): string => SCOPES[scope] ?? String(scope)
