// nf_tables tables, replaced and deleted atomically: one batch each.
import { BatchError, errnoOf, NetlinkError } from '../../netlink/errno.js'
import { part, type Part } from '../../netlink/message.js'
import { nftBatch, ofInet } from '../../netlink/nft/message.js'
import { ruleAdd } from '../../netlink/nft/rule.js'
import { chainAdd, NF_INET, NF_VERDICT, tableAdd, tableDel, tableNew } from '../../netlink/nft/table.js'
import { nftRuleText, type NftChain, type NftTable } from '../../plan/nft-table.js'
import type { StepOf, Where } from '../../plan/step.js'
import { refusalCode } from '../errno.js'
import { expressionsOf } from '../nft-compile.js'
import { unlessGone, type Namespaces } from '../netns-pair.js'
import type { Act } from './act.js'

/** A part of a batch, and its object in words, for errors. */
interface Worded {
  readonly part: Part
  readonly about: string
}

const named = (name: string) => ({ header: ofInet, attrs: { name } })

const removal = (name: string): Worded => ({ part: part(tableDel, named(name)), about: `table inet ${name}` })

const chainsOf = ({ name, chains }: NftTable): readonly Worded[] => chains.flatMap(chain => chainParts(name, chain))

/** Fails with EEXIST if the table exists. */
const addition = (table: NftTable): readonly Worded[] => [
  { part: part(tableNew, named(table.name)), about: `table inet ${table.name}` },
  ...chainsOf(table),
]

/** "Add, delete, add" replaces a table that may not exist: DELTABLE alone fails with ENOENT. */
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

/** Without nf_tables or a part of it: no socket, no subsystem, no chain type, no expression. */
const UNSUPPORTED: readonly string[] = ['EPROTONOSUPPORT', 'EOPNOTSUPP', 'EAFNOSUPPORT', 'ENOENT']
const REMEDY =
  'this kernel lacks nf_tables or a part of it: modprobe nf_tables nft_ct, or use Linux 5.2 or newer with CONFIG_NF_TABLES_INET'

/** The same error with its object and the remedy. */
function withReason(error: unknown, parts: readonly Worded[]): unknown {
  const code = refusalCode(error)
  if (code === undefined) return error
  const { op, errno, text } = error instanceof NetlinkError ? error : { op: 'nft.open', errno: errnoOf(code), text: '' }
  const about = error instanceof BatchError && error.part !== undefined ? parts[error.part]?.about : undefined
  const words = [text, about, UNSUPPORTED.includes(code) ? REMEDY : undefined].filter(Boolean).join('; ')
  return new NetlinkError({ op, errno, text: words }, { cause: error })
}

/**
 * False if the table exists. Tried first because a batch without a delete is cheaper: after a
 * delete the kernel waits some 8 ms for a grace period when the socket is closed.
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
