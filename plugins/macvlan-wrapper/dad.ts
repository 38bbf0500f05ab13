// Duplicate address detection (DAD) on the pod's NIC: how ADD shortens it, and its state. Pure.
import { familyOf, type Ip } from '../../lib/ip/address.js'
import type { NetnsState } from '../../lib/plan/state.js'
import type { Plan } from '../../lib/plan/step.js'

/**
 * RFC 4862 §5.1 has one probe, a random delay before it and a second of silence after it. Here
 * three within a fraction of a second, as for IPv4: the pod waits (decisions/0025).
 */
export const DAD_PROBES = 3
/**
 * From one probe to the next, and from the last to the end. Whole jiffies at every HZ (100, 250,
 * 300, 1000), so that it is read as it was written.
 */
export const DAD_INTERVAL_MS = 60

/** The probes and the silence after the last. */
const DAD_MS = DAD_PROBES * DAD_INTERVAL_MS
const PAUSE_MS_MIN = 10

/**
 * Milliseconds until ADD reads the addresses again, `elapsedMs` after the NIC came up: half of the
 * time that DAD still needs, since a duplicate shows early; a twentieth of it where it takes long.
 */
export const settlePauseMs = (elapsedMs: number): number =>
  Math.max(PAUSE_MS_MIN, (DAD_MS - elapsedMs) / 2, elapsedMs / 20)

/** Probes per address; 0 turns DAD off. */
const probesOf = (ifName: string): string => `net/ipv6/conf/${ifName}/dad_transmits`
/** In seconds; the kernel waits a random part of it before the first probe (addrconf_dad_kick). */
const delayOf = (ifName: string): string => `net/ipv6/conf/${ifName}/router_solicitation_delay`
const intervalOf = (ifName: string): string => `net/ipv6/neigh/${ifName}/retrans_time_ms`

/** Sysctls that shortDadPlan() depends on. */
export const dadSysctlsOf = (ifName: string): readonly string[] => [
  delayOf(ifName),
  probesOf(ifName),
  intervalOf(ifName),
]

/**
 * Shortens DAD on a NIC that is still down; ADD undoes it when the addresses have settled. Nothing
 * where the kernel has no IPv6 on it, or DAD is off.
 */
export function shortDadPlan(ifName: string, pod: NetnsState): Plan {
  const probes = Number(pod.sysctls[probesOf(ifName)] ?? 0)
  if (probes === 0) return []
  const wanted = {
    [delayOf(ifName)]: 0,
    [probesOf(ifName)]: Math.max(DAD_PROBES, probes),
    [intervalOf(ifName)]: DAD_INTERVAL_MS,
  }
  return Object.entries(wanted).flatMap(([path, value]): Plan => {
    const was = pod.sysctls[path]
    const isNeeded = was !== undefined && was !== String(value)
    return isNeeded ? [{ verb: 'setSysctl', where: 'pod', path, value: String(value), was, optional: true }] : []
  })
}

/** The state of DAD: `failed` names a duplicate address, `waiting` means a tentative one. */
export function settlementOf(
  pod: NetnsState,
  ifName: string,
): { kind: 'ready' | 'waiting' } | { kind: 'failed'; ip: Ip } {
  const own = pod.addresses.filter(({ dev, address }) => dev === ifName && familyOf(address.ip) === 6)
  const failed = own.find(({ dadFailed }) => dadFailed)
  if (failed) return { kind: 'failed', ip: failed.address.ip }
  return { kind: own.some(({ tentative }) => tentative) ? 'waiting' : 'ready' }
}
