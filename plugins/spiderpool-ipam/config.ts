// What of the conf is checked before anything is done. The `ipam` object itself is read in lib/ipam/cni/conf.ts, for every main plugin alike.
import { ipamConf } from '../../lib/ipam/cni/conf.js'

/** Throws a CniError for a conf that no verb could use. */
export function accepts(raw: unknown): unknown {
  ipamConf(raw)
  return raw
}
