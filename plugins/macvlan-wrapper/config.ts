// The conf of macvlan, read as the reference plugin does. The master is looked up later.
import * as schema from '../../schemas/netconf/generated/macvlan-wrapper.js'
import { checked, ConfFault } from '../../lib/cni/conf.js'
import { CniError } from '../../lib/cni/error.js'
import { unknownKeys, type UnknownKey } from '../../lib/cni/unknown-keys.js'
import type { Result } from '../../lib/cni/result.js'

export interface MacvlanConf {
  /** The conf as received, for the IPAM. */
  readonly raw: object
  /** '': the device of the first default route. */
  readonly master: string
  /** Validated by ADD, so that DEL accepts any conf. */
  readonly mode: string
  /** 0: the master's. */
  readonly mtu: number
  readonly mac: string
  readonly runtimeMac: string
  readonly linkInContainer: boolean
  /** 0: the kernel's default. */
  readonly broadcastQueueLength: number
  /** '': no addresses, L2 only. */
  readonly ipamType: string
  readonly dns: NonNullable<Result['dns']> | undefined
  /** For the log of the IPAM; this plugin has none. */
  readonly unknown: readonly UnknownKey[]
}

/** The validated conf. @throws CniError that names the key, its value and the valid ones */
export function accepts(raw: unknown): MacvlanConf {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new CniError('decodeFailure', 'failed to load netconf: it is not an object')
  const conf = parsed(raw)
  return {
    raw,
    master: conf.master ?? '',
    mode: conf.mode || 'bridge',
    mtu: conf.mtu ?? 0,
    mac: conf.mac ?? '',
    runtimeMac: conf.runtimeConfig?.mac ?? '',
    linkInContainer: conf.linkInContainer ?? false,
    broadcastQueueLength: conf.bcqueuelen ?? 0,
    ipamType: conf.ipam?.type ?? '',
    dns: dnsOf(conf.dns ?? {}),
    unknown: unknownKeys(raw, schema.keys, ''),
  }
}

function parsed(raw: object): schema.Conf {
  try {
    return checked(raw, schema, '')
  } catch (error) {
    if (error instanceof ConfFault) throw new CniError('decodeFailure', `failed to load netconf: ${error.message}`)
    throw error
  }
}

function dnsOf({ nameservers, search, options, domain }: NonNullable<schema.Conf['dns']>): MacvlanConf['dns'] {
  const given = Object.entries({ nameservers, search, options }).filter(
    ([, list]) => list !== undefined && list.length > 0,
  )
  if (given.length === 0 && !domain) return undefined
  return { ...Object.fromEntries(given), ...(domain && { domain }) }
}
