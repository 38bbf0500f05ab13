// The configuration of macvlan, as the reference plugin reads it. Knows JSON; whether a master exists is asked later, of the kernel.
import * as schema from '../../schemas/netconf/generated/macvlan-wrapper.js'
import { checked, ConfFault } from '../../lib/cni/conf.js'
import { CniError } from '../../lib/cni/error.js'
import { unknownKeys, type UnknownKey } from '../../lib/cni/unknown-keys.js'
import type { Result } from '../../lib/cni/result.js'

export interface MacvlanConf {
  /** The document as it came: an IPAM reads its own keys. */
  readonly raw: object
  /** '': the interface of the first default route. */
  readonly master: string
  /** Checked when the link is made and not here, so that DEL goes through whatever the conf says. */
  readonly mode: string
  /** 0: the kernel takes the master's. */
  readonly mtu: number
  readonly mac: string
  readonly runtimeMac: string
  readonly linkInContainer: boolean
  /** 0: the kernel's own. */
  readonly broadcastQueueLength: number
  /** '': no addresses, the pod's interface is a bare L2 port. */
  readonly ipamType: string
  readonly dns: NonNullable<Result['dns']> | undefined
  /** For the log of the IPAM: this plugin has none. */
  readonly unknown: readonly UnknownKey[]
}

/** Throws CniError naming the key, its value and what it may be. */
export function accepts(raw: unknown): MacvlanConf {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new CniError('decodeFailure', 'failed to load netconf: it is not an object')
  const conf = known(raw)
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

function known(raw: object): schema.Conf {
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
