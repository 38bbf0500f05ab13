// Reads nf_tables tables of family inet.
import { NetlinkError } from '../netlink/errno.js'
import { NFPROTO, ofInet } from '../netlink/nft/message.js'
import { ruleDump } from '../netlink/nft/rule.js'
import { chainDump, NF_INET, NF_VERDICT, tableGet, type NftChainMessage } from '../netlink/nft/table.js'
import type { Conn } from '../netlink/conn.js'
import type { NftBase, NftHook, NftRule, NftTable } from '../plan/nft-table.js'
import type { Where } from '../plan/step.js'
import { refusalCode } from './errno.js'
import { readProcNet } from './acts/sysctl.js'
import { ruleFrom } from './nft-compile.js'
import type { Namespaces } from './netns-pair.js'

/**
 * Tables by name; undefined if there is none or the kernel has no nf_tables.
 * @throws NetlinkError
 */
export const readNftTables = (
  namespaces: Namespaces,
  where: Where,
  names: readonly string[],
): Readonly<Record<string, NftTable | undefined>> =>
  Object.fromEntries(names.map(name => [name, unlessNone(() => tableOf(namespaces.nft(where), name))]))

/** No such table; no nf_tables (EINVAL for a read); no netfilter socket. */
const NONE: readonly (string | undefined)[] = ['ENOENT', 'EINVAL', 'EPROTONOSUPPORT']

function unlessNone<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (!NONE.includes(refusalCode(error) ?? '')) throw error
    return undefined
  }
}

function tableOf(conn: Conn, name: string): NftTable {
  conn.get(tableGet, { header: ofInet, attrs: { name } })
  const rules = rulesOf(conn, name)
  const chains = conn
    .dump(chainDump, { header: ofInet, attrs: {} })
    .filter(({ attrs }) => attrs.table === name)
    .map(chain => observedChain(chain, rules))
  return { name, chains }
}

const MANGLE = 'mangle'
/** Tables of iptables-legacy, one per line (net/ipv4/netfilter/ip_tables.c). */
const LEGACY = ['ip_tables_names', 'ip6_tables_names'] as const

/**
 * Whether iptables or ip6tables has rules in table mangle, chains PREROUTING and OUTPUT. For
 * iptables-legacy the table is enough: reading its rules needs another protocol.
 * @throws NetlinkError
 */
export const hasMangleRules = (namespaces: Namespaces, where: Where): boolean =>
  [NFPROTO.ipv4, NFPROTO.ipv6].some(
    family => unlessNone(() => marksConnections(namespaces.nft(where), family)) === true,
  ) || LEGACY.some(name => readProcNet(namespaces, where, name)?.split('\n').includes(MANGLE) === true)

function marksConnections(conn: Conn, family: number): boolean {
  const rules = conn.dump(ruleDump, { header: { ...ofInet, family }, attrs: { table: MANGLE } })
  const chains = rules.filter(({ attrs }) => attrs.table === MANGLE).map(({ attrs }) => attrs.chain)
  return chains.includes('PREROUTING') && chains.includes('OUTPUT')
}

interface RuleOfChain {
  readonly chain: string | undefined
  readonly rule: NftRule
}

const rulesOf = (conn: Conn, table: string): readonly RuleOfChain[] =>
  conn
    .dump(ruleDump, { header: ofInet, attrs: { table } })
    .filter(({ attrs }) => attrs.table === table)
    .map(({ attrs }) => ({ chain: attrs.chain, rule: ruleFrom(attrs.expressions ?? []) }))

function observedChain({ attrs }: NftChainMessage, rules: readonly RuleOfChain[]): NftTable['chains'][number] {
  const base = baseOf(attrs)
  const own = rules.filter(({ chain }) => chain === attrs.name).map(({ rule }) => rule)
  return { name: attrs.name ?? '', ...(base && { base }), rules: own }
}

const HOOKS = Object.keys(NF_INET) as NftHook[]
const TYPES: readonly NftBase['type'][] = ['filter', 'route', 'nat']

function baseOf({ type, hook, policy }: NftChainMessage['attrs']): NftBase | undefined {
  const known = { type: TYPES.find(name => name === type), hook: HOOKS.find(name => NF_INET[name] === hook?.hook) }
  if (known.type === undefined || known.hook === undefined) return undefined
  return {
    type: known.type,
    hook: known.hook,
    priority: hook?.priority ?? 0,
    ...(policy === NF_VERDICT.drop && { policy: 'drop' }),
  }
}
