// A table of nf_tables, put in whole and taken out whole: one batch, so that there is never half of one. Knows no plugin.
import { BatchError, errnoOf, NetlinkError } from '../../netlink/errno.js'
import { part, type Part } from '../../netlink/message.js'
import { nftBatch, ofInet } from '../../netlink/nft/message.js'
import { ruleAdd } from '../../netlink/nft/rule.js'
import { chainAdd, NF_INET, NF_VERDICT, tableAdd, tableDel, tableNew } from '../../netlink/nft/table.js'
import { nftRuleText, type NftChain, type NftTable } from '../../plan/nft.js'
import type { StepOf, Where } from '../../plan/step.js'
import { refusalCode } from '../errno.js'
import { expressionsOf } from '../nft-compile.js'
import { unlessGone, type Namespaces } from '../namespaces.js'
import type { Act } from './act.js'

/** A part of a batch, and what it is about, in words. */
interface Worded {
  readonly part: Part
  readonly about: string
}

const named = (name: string) => ({ header: ofInet, attrs: { name } })

const removal = (name: string): Worded => ({ part: part(tableDel, named(name)), about: `table inet ${name}` })

const chainsOf = ({ name, chains }: NftTable): readonly Worded[] => chains.flatMap(chain => chainParts(name, chain))

/** Refused with EEXIST where there is one. */
const addition = (table: NftTable): readonly Worded[] => [
  { part: part(tableNew, named(table.name)), about: `table inet ${table.name}` },
  ...chainsOf(table),
]

/** "Add, delete, add" replaces a table whether or not there was one: DELTABLE alone refuses where there is none. */
const replacement = (table: NftTable): readonly Worded[] => {
  const any = { part: part(tableAdd, named(table.name)), about: `table inet ${table.name}` }
  return [any, removal(table.name), any, ...chainsOf(table)]
}

function chainParts(table: string, { name, base, rules }: NftChain): readonly Worded[] {
  const hooked = base && {
    type: base.type,
    hook: { hook: NF_INET[base.hook], priority: base.priority },
    policy: NF_VERDICT[base.policy ?? 'accept'],
  }
  return [
    { part: part(chainAdd, { header: ofInet, attrs: { table, name, ...hooked } }), about: `chain ${name}` },
    ...rules.map(rule => ({
      part: part(ruleAdd, { header: ofInet, attrs: { table, chain: name, expressions: expressionsOf(rule) } }),
      about: `rule ${nftRuleText(rule)}`,
    })),
  ]
}

function batch(namespaces: Namespaces, where: Where, parts: readonly Worded[]): void {
  try {
    namespaces.nft(where).batch(
      nftBatch,
      parts.map(({ part }) => part),
    )
  } catch (error) {
    throw withReason(error, parts)
  }
}

/** What a kernel says that lacks nf_tables or a part of it: no socket, no subsystem, no chain type, no expression. */
const LACKS: readonly string[] = ['EPROTONOSUPPORT', 'EOPNOTSUPP', 'EAFNOSUPPORT', 'ENOENT']
const REMEDY =
  'this kernel lacks nf_tables or a part of it: modprobe nf_tables nft_ct, or use Linux 5.2 or newer with CONFIG_NF_TABLES_INET'

/** The same refusal, with what it was about and what to do. */
function withReason(error: unknown, parts: readonly Worded[]): unknown {
  const code = refusalCode(error)
  if (code === undefined) return error
  const { op, errno, text } = error instanceof NetlinkError ? error : { op: 'nft.open', errno: errnoOf(code), text: '' }
  const about = error instanceof BatchError && error.part !== undefined ? parts[error.part]?.about : undefined
  const words = [text, about, LACKS.includes(code) ? REMEDY : undefined].filter(Boolean).join('; ')
  return new NetlinkError({ op, errno, text: words }, { cause: error })
}

/**
 * False where there is one already. A batch that deletes nothing is worth a try: one that does has the kernel wait for a grace period, some
 * 8 ms, when the socket is closed.
 */
function isAdded(namespaces: Namespaces, where: Where, table: NftTable): boolean {
  try {
    batch(namespaces, where, addition(table))
    return true
  } catch (error) {
    if (refusalCode(error) === 'EEXIST') return false
    throw error
  }
}

export const setNftTable: Act<StepOf<'setNftTable'>> = {
  apply(namespaces, { where, table, was }) {
    if (was !== undefined || !isAdded(namespaces, where, table)) batch(namespaces, where, replacement(table))
  },
  undo(namespaces, { where, table, was }) {
    if (was !== undefined) batch(namespaces, where, replacement(was))
    else unlessGone(['ENOENT', 'EOPNOTSUPP', 'EPROTONOSUPPORT'], () => batch(namespaces, where, [removal(table.name)]))
  },
}
