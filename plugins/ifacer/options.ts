// Parses `bond.options`, `miimon=100;xmit_hash_policy=layer3+4`; the kernel checks combinations.
// Pure.
import { CniError } from '../../lib/cni/error.js'
import { familyOf, parseIp, type Ip } from '../../lib/ip/address.js'
import { parseMac, type Mac } from '../../lib/ip/mac.js'
import type { BondNumber } from '../../lib/plan/step.js'

export interface BondOptionValues {
  readonly numbers: Readonly<Partial<Record<BondNumber, number>>>
  readonly arpIpTarget?: readonly Ip[]
  readonly adActorSystem?: Mac
  /** Names of members. */
  readonly primary?: string
  readonly activeSlave?: string
}

/** Option values by number (Documentation/networking/bonding.rst). */
type Words = readonly string[]
const NONE: Words = []

/** By key: the netlink option, its maximum, and the names of its values. */
const NUMBERS: Readonly<Record<string, readonly [BondNumber, max: number, words: Words]>> = {
  miimon: ['miimon', 2 ** 31 - 1, NONE],
  updelay: ['updelay', 2 ** 31 - 1, NONE],
  up_delay: ['updelay', 2 ** 31 - 1, NONE], // Go's key
  downdelay: ['downdelay', 2 ** 31 - 1, NONE],
  use_carrier: ['useCarrier', 1, NONE],
  arp_interval: ['arpInterval', 2 ** 31 - 1, NONE],
  arp_validate: ['arpValidate', 6, ['none', 'active', 'backup', 'all', 'filter', 'filter_active', 'filter_backup']],
  arp_all_targets: ['arpAllTargets', 1, ['any', 'all']],
  primary_reselect: ['primaryReselect', 2, ['always', 'better', 'failure']],
  fail_over_mac: ['failOverMac', 2, ['none', 'active', 'follow']],
  xmit_hash_policy: ['xmitHashPolicy', 5, ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac']],
  resend_igmp: ['resendIgmp', 255, NONE],
  num_grat_arp: ['numPeerNotif', 255, NONE],
  num_unsol_na: ['numPeerNotif', 255, NONE],
  peer_notif_delay: ['numPeerNotif', 255, NONE], // Go's key: the number, in spite of its name
  all_slaves_active: ['allSlavesActive', 1, NONE],
  min_links: ['minLinks', 2 ** 31 - 1, NONE],
  lp_interval: ['lpInterval', 2 ** 31 - 1, NONE],
  packets_per_slave: ['packetsPerSlave', 65535, NONE],
  lacp_rate: ['adLacpRate', 1, ['slow', 'fast']],
  ad_select: ['adSelect', 2, ['stable', 'bandwidth', 'count']],
  ad_actor_sys_prio: ['adActorSysPrio', 65535, NONE],
  ad_user_port_key: ['adUserPortKey', 1023, NONE],
  tlb_dynamic_lb: ['tlbDynamicLb', 1, NONE],
}
/** An option with its value for a sentence: `lacp_rate fast`. */
export function numberText(number: BondNumber, value: number | undefined): string {
  const [key, entry] = Object.entries(NUMBERS).find(([, [is]]) => is === number) ?? [number]
  return `${key} ${entry?.[2][value ?? -1] ?? value}`
}

const OTHERS = ['primary', 'active_slave', 'arp_ip_target', 'ad_actor_system']
const ARP_TARGETS_MAX = 16 // BOND_MAX_ARP_TARGETS, <net/bonding.h>

const fault = (what: string): CniError =>
  new CniError('invalidConfig', `parseString2BondOptions: failed to convert options to BondOptions: ${what}`)

/**
 * The parsed options.
 * @throws CniError that names the invalid piece: a misspelt `miimon` would mean no failover
 */
export function optionsOf(text: string): BondOptionValues {
  return text
    .split(';')
    .map(piece => piece.trim())
    .filter(piece => piece !== '')
    .reduce<BondOptionValues>(
      (options, piece) => {
        const [key = '', value = '', ...more] = piece.split('=').map(part => part.trim())
        if (value === '' || more.length > 0) throw fault(`"${piece}" is not key=value`)
        return withOption(options, key, value)
      },
      { numbers: {} },
    )
}

function withOption(options: BondOptionValues, key: string, value: string): BondOptionValues {
  switch (key) {
    case 'primary':
      return { ...options, primary: value }
    case 'active_slave':
      return { ...options, activeSlave: value }
    case 'arp_ip_target':
      return { ...options, arpIpTarget: targetsOf(value) }
    case 'ad_actor_system': {
      const mac = parseMac(value)
      if (mac === undefined) throw new CniError('invalidConfig', `invalid bond ad_actor_system: ${value}`)
      return { ...options, adActorSystem: mac }
    }
  }
  const entry = Object.hasOwn(NUMBERS, key) ? NUMBERS[key] : undefined
  if (entry === undefined)
    throw fault(`"${key}" is no option; there are ${[...Object.keys(NUMBERS), ...OTHERS].sort().join(', ')}`)
  return { ...options, numbers: { ...options.numbers, [entry[0]]: numberOf(key, value, entry) } }
}

function numberOf(key: string, value: string, [, max, words]: readonly [BondNumber, number, Words]): number {
  const word = words.indexOf(value)
  if (word >= 0) return word
  const number = /^\d+$/.test(value) ? Number(value) : Number.NaN
  if (number >= 0 && number <= max) return number
  throw fault(`${key} is "${value}"; it must be from 0 to ${max}${words.length > 0 ? ` or ${words.join(', ')}` : ''}`)
}

/** `1.2.3.4,5.6.7.8` as in sysfs, or `["1.2.3.4","5.6.7.8"]` as in Go ifacer. */
function targetsOf(value: string): readonly Ip[] {
  const items = value.replace(/^\[|\]$/g, '').split(',')
  const targets = items.map(item => {
    const ip = parseIp(item.trim().replace(/^"|"$/g, ''))
    if (ip === undefined || familyOf(ip) !== 4) throw fault(`arp_ip_target is "${value}"; it must be IPv4 addresses`)
    return ip
  })
  if (targets.length > ARP_TARGETS_MAX) throw fault(`arp_ip_target has ${targets.length}; ${ARP_TARGETS_MAX} may be`)
  return targets
}
