// Tables of nf_tables as they are, read from the kernel. Knows family inet alone.
import { NetlinkError } from '../netlink/errno.js'
import { ofInet } from '../netlink/nft/message.js'
import { ruleDump } from '../netlink/nft/rule.js'
import { chainDump, NF_INET, NF_VERDICT, tableGet, type Chain } from '../netlink/nft/table.js'
import type { Conn } from '../netlink/conn.js'
import type { NftBase, NftHook, NftRule, NftTable } from '../plan/nft.js'
import type { Where } from '../plan/step.js'
import { refusalCode } from './errno.js'
import { ruleFrom } from './nft-words.js'
import type { Places } from './places.js'

/** By name; undefined where there is none, also because the kernel has no nf_tables. */
export const readNftTables = (
  places: Places,
  where: Where,
  names: readonly string[],
): Readonly<Record<string, NftTable | undefined>> =>
  Object.fromEntries(names.map(name => [name, unlessNone(() => tableOf(places.nft(where), name))]))

/** No such table; no nf_tables, of which a kernel says EINVAL when read; not even a socket for it. */
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
    .map(chain => seenChain(chain, rules))
  return { name, chains }
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

function seenChain({ attrs }: Chain, rules: readonly RuleOfChain[]): NftTable['chains'][number] {
  const base = baseOf(attrs)
  const own = rules.filter(({ chain }) => chain === attrs.name).map(({ rule }) => rule)
  return { name: attrs.name ?? '', ...(base && { base }), rules: own }
}

const HOOKS = Object.keys(NF_INET) as NftHook[]
const TYPES: readonly NftBase['type'][] = ['filter', 'route', 'nat']

function baseOf({ type, hook, policy }: Chain['attrs']): NftBase | undefined {
  const known = { type: TYPES.find(name => name === type), hook: HOOKS.find(name => NF_INET[name] === hook?.hook) }
  if (known.type === undefined || known.hook === undefined) return undefined
  return {
    type: known.type,
    hook: known.hook,
    priority: hook?.priority ?? 0,
    ...(policy === NF_VERDICT.drop && { policy: 'drop' }),
  }
}
