// The configuration of macvlan, as the reference plugin reads it. Knows JSON; whether a master exists is asked later, of the kernel.
import { CniError } from '../../lib/cni/error.js'
import { Fields } from '../../lib/cni/json.js'
import type { Result } from '../../lib/cni/result.js'

export interface Config {
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
}

const UINT32_MAX = 2 ** 32 - 1

/** Throws CniError naming the key, its value and what it may be. */
export function accepts(raw: unknown): Config {
  if (typeof raw !== 'object' || raw === null || Array.isArray(raw))
    throw new CniError('decodeFailure', 'failed to load netconf: it is not an object')
  const conf = new Fields(raw, '')
  try {
    return {
      raw,
      master: conf.string('master') ?? '',
      mode: conf.string('mode') || 'bridge',
      mtu: conf.integer('mtu') ?? 0,
      mac: conf.string('mac') ?? '',
      runtimeMac: conf.object('runtimeConfig')?.string('mac') ?? '',
      linkInContainer: conf.boolean('linkInContainer') ?? false,
      broadcastQueueLength: queueLength(conf),
      ipamType: conf.object('ipam')?.string('type') ?? '',
      dns: dnsOf(conf.object('dns')),
    }
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    throw new CniError(error.kind, `failed to load netconf: ${error.message}`, error.details, { cause: error })
  }
}

function queueLength(conf: Fields): number {
  const length = conf.integer('bcqueuelen') ?? 0
  if (length < 0 || length > UINT32_MAX)
    throw new CniError('decodeFailure', `bcqueuelen is ${length}; it must be from 0 to ${UINT32_MAX}`)
  return length
}

function dnsOf(dns: Fields | undefined): Config['dns'] {
  if (dns === undefined) return undefined
  const lists = {
    nameservers: dns.strings('nameservers'),
    search: dns.strings('search'),
    options: dns.strings('options'),
  }
  const domain = dns.string('domain')
  const given = Object.entries(lists).filter(([, list]) => list !== undefined && list.length > 0)
  if (given.length === 0 && !domain) return undefined
  return { ...Object.fromEntries(given), ...(domain && { domain }) }
}
