// The conf of ifacer: the links it creates on the node. The kernel's state is checked later.
import * as schema from '../../schemas/netconf/generated/ifacer.js'
import { checked, ConfFault } from '../../lib/cni/conf.js'
import { CniError } from '../../lib/cni/error.js'
import { unknownKeys, type UnknownKey } from '../../lib/cni/unknown-keys.js'
import { ALTNAME_BYTES_MAX, IFNAME_BYTES_MAX, vlanName } from '../../lib/ifname.js'
import { logConfOf, type LogConf } from '../../lib/cni/log-options.js'

export interface IfacerConf {
  readonly bond: BondConf | undefined
  readonly vlan: VlanConf | undefined
  /** 0: the kernel's default. */
  readonly mtu: number
  readonly allowNodeNic: boolean
  readonly removeUnused: boolean
  readonly log: LogConf
  readonly unknown: readonly UnknownKey[]
}

export interface BondConf {
  readonly name: string
  /** In the order of the conf. */
  readonly members: readonly string[]
  /** Validated when the bond is planned. */
  readonly mode: number
  readonly options: string
}

export interface VlanConf {
  readonly name: string
  readonly on: string
  readonly id: number
}

const VLAN_ID_MAX = 4094
/** `mtu` is an int in the kernel. */
const MTU_MAX = 2 ** 31 - 1
const DEFAULT_BOND = 'sp_bond0'

const LOG_FILE = '/var/log/spidernet/ifacer.log'

const NONE: IfacerConf = {
  bond: undefined,
  vlan: undefined,
  mtu: 0,
  allowNodeNic: false,
  removeUnused: false,
  log: logConfOf({}, LOG_FILE),
  unknown: [],
}

/**
 * The validated conf. DEL and GC use what ADD recorded, so that no conf makes them fail.
 * @throws CniError that names the key, its value and the valid ones
 */
export function accepts(raw: unknown, command: string): IfacerConf {
  if (command === 'DEL' || command === 'GC') return { ...NONE, log: logConfOfAny(raw) }
  const conf = parsed(raw)
  const { interfaces = [], vlanID = 0, bond, mtu = 0, allowNodeNic = false, removeUnused = false } = conf
  const log = logConfOf(conf.logOptions ?? {}, LOG_FILE)
  if (command === 'STATUS' && interfaces.length === 0) return { ...NONE, log }
  if (interfaces.length === 0) throw wrong('invalid config: interfaces have at least one interface')
  if (vlanID < 0 || vlanID > VLAN_ID_MAX)
    throw wrong(`invalid vlan tag ${vlanID}: vlan tag must be in range [0,${VLAN_ID_MAX}]`)
  if (mtu < 0 || mtu > MTU_MAX)
    throw wrong(`mtu is ${mtu}; it must be from 0, for the kernel's own, to ${MTU_MAX}; no interface has more`)
  const twice = interfaces.find((name, at) => interfaces.indexOf(name) !== at)
  if (twice !== undefined) throw wrong(`interfaces has "${twice}" twice; name each interface once`)
  const [first = ''] = interfaces
  const newBond = interfaces.length > 1 && bond ? bondOf(bond, interfaces) : undefined
  const on = newBond?.name ?? (interfaces.length === 1 ? first : undefined)
  const vlan = vlanID > 0 && on !== undefined ? { name: vlanName(on, vlanID), on, id: vlanID } : undefined
  if (newBond) checkName('bond.name', newBond.name, IFNAME_BYTES_MAX)
  if (vlan ?? newBond) for (const name of interfaces) checkName('interfaces', name, ALTNAME_BYTES_MAX)
  return { bond: newBond, vlan, mtu, allowNodeNic, removeUnused, log, unknown: unknownKeys(raw, schema.keys, '') }
}

/** `logOptions` of a conf that may be invalid; else the defaults. */
function logConfOfAny(raw: unknown): LogConf {
  try {
    return logConfOf(parsed(raw).logOptions ?? {}, LOG_FILE)
  } catch (error) {
    if (error instanceof CniError) return NONE.log
    throw error
  }
}

const bondOf = ({ name, mode = 0, options = '' }: NonNullable<schema.Conf['bond']>, members: readonly string[]) => ({
  name: name || DEFAULT_BOND,
  members,
  mode,
  options,
})

const wrong = (message: string): CniError => new CniError('invalidConfig', message)

/**
 * dev_valid_name() of net/core/dev.c; the names also become file names. `key`: the key of the conf.
 */
function checkName(key: string, name: string, bytesMax: number): void {
  if (Buffer.byteLength(name) > bytesMax)
    throw wrong(`the interface name "${name}" is longer than the ${bytesMax} bytes that Linux allows; shorten it`)
  if (name === '' || name === '.' || name === '..' || /[/:\s\0]/.test(name))
    throw wrong(
      `${key} has ${JSON.stringify(name)}, which is no interface's name: it may not be empty, . or .., and has no /, : or blank`,
    )
}

function parsed(raw: unknown): schema.Conf {
  if (typeof raw !== 'object' || raw === null)
    throw new CniError('decodeFailure', 'failed to parse config: it is not an object')
  try {
    return checked(raw, schema, '')
  } catch (error) {
    if (error instanceof ConfFault) throw new CniError('decodeFailure', `failed to parse config: ${error.message}`)
    throw error
  }
}
