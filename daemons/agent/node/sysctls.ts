// Sysctls of the node that pods of an underlay network need (conf.yml, tuneSysctlConfig). Pure.

export interface Sysctl {
  /** Path below /proc/sys. */
  readonly path: string
  readonly value: number
  /** A larger value of the administrator stays. */
  readonly isMinimum?: boolean
}

/** Entries of the neighbour table of a node, one for each pod and peer that it talks to. */
const NEIGHBOURS = 28_160

export const NODE_SYSCTLS: readonly Sysctl[] = [
  { path: 'net/ipv4/neigh/default/gc_thresh3', value: NEIGHBOURS, isMinimum: true },
  { path: 'net/ipv6/neigh/default/gc_thresh3', value: NEIGHBOURS, isMinimum: true },
  { path: 'net/ipv4/conf/all/arp_notify', value: 1 },
  { path: 'net/ipv4/conf/all/forwarding', value: 1 },
  { path: 'net/ipv6/conf/all/forwarding', value: 1 },
  { path: 'net/ipv4/conf/all/rp_filter', value: 0 },
]

/** What is to be written where the file has this text; undefined where it may stay. */
export function sysctlToWrite({ value, isMinimum = false }: Sysctl, text: string): string | undefined {
  const current = Number(text.trim())
  return current === value || (isMinimum && current > value) ? undefined : `${value}`
}
