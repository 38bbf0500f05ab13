// Tables of nf_tables as data and as `nft list` prints them. No netlink.

/** The only table of ours, family inet, in every namespace; all others belong to other programs. */
export const NFT_TABLE = 'spiderpool'

/** A table of family inet: IPv4 and IPv6. */
export interface NftTable {
  readonly name: string
  readonly chains: readonly NftChain[]
}

export interface NftChain {
  readonly name: string
  /** The hook; a chain without one is only reached by a jump. */
  readonly base?: NftBase
  readonly rules: readonly NftRule[]
}

export type NftHook = 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'

export interface NftBase {
  /**
   * A `route` chain (hook output; inet since Linux 5.2) reroutes a packet whose mark it changed.
   */
  readonly type: 'filter' | 'route' | 'nat'
  readonly hook: NftHook
  /** iptables' table mangle has -150. */
  readonly priority: number
  /** Default: accept. */
  readonly policy?: 'drop'
}

/** Statements, evaluated left to right; a match that fails ends the rule. */
export type NftRule = readonly NftStatement[]

export type CtState = 'invalid' | 'established' | 'related' | 'new' | 'untracked'

export type NftStatement =
  | { readonly match: 'iifname' | 'oifname'; readonly is: string; readonly not?: true }
  | { readonly match: 'mark' | 'ct mark'; readonly is: number; readonly mask?: number; readonly not?: true }
  | { readonly match: 'ct state'; readonly in: readonly CtState[] }
  | { readonly match: 'ct direction'; readonly is: 'original' | 'reply' }
  | { readonly set: 'mark' | 'ct mark'; readonly to: number | 'mark' | 'ct mark' }
  | { readonly verdict: 'accept' | 'drop' | 'return' }
  | { readonly counter: true }
  /** Observed only: an expression that we do not write. */
  | { readonly other: string }

/** As `nft -y list table` prints it, chains sorted by name; equal texts are equal tables. */
export function nftTableText({ name, chains }: NftTable): string {
  const byName = [...chains].sort((a, b) => (a.name < b.name ? -1 : 1))
  return [`table inet ${name} {`, ...byName.flatMap(chainText), '}'].join('\n')
}

function chainText({ name, base, rules }: NftChain): readonly string[] {
  const head = base && [
    `\t\ttype ${base.type} hook ${base.hook} priority ${base.priority}; policy ${base.policy ?? 'accept'};`,
  ]
  return [`\tchain ${name} {`, ...(head ?? []), ...rules.map(rule => `\t\t${nftRuleText(rule)}`), '\t}']
}

/** A rule as `nft list` prints it. */
export const nftRuleText = (rule: NftRule): string => rule.map(statementText).join(' ')

function statementText(statement: NftStatement): string {
  if ('verdict' in statement) return statement.verdict
  if ('counter' in statement) return 'counter'
  if ('other' in statement) return `(${statement.other})`
  if ('set' in statement) return `${keyText(statement.set)} set ${sourceText(statement.to)}`
  switch (statement.match) {
    case 'iifname':
    case 'oifname':
      return `${statement.match} ${notText(statement.not)}"${statement.is}"`
    case 'mark':
    case 'ct mark': {
      const masked = statement.mask === undefined ? '' : ` & ${hexText(statement.mask)}`
      const equals = masked === '' || statement.not === true ? '' : '== '
      return `${keyText(statement.match)}${masked} ${notText(statement.not)}${equals}${hexText(statement.is)}`
    }
    case 'ct state':
      return `ct state ${CT_STATES.filter(state => statement.in.includes(state)).join(',')}`
    case 'ct direction':
      return `ct direction ${statement.is}`
  }
}

/** In bit order (NF_CT_STATE_*). */
export const CT_STATES: readonly CtState[] = ['invalid', 'established', 'related', 'new', 'untracked']

const keyText = (key: 'mark' | 'ct mark'): string => (key === 'mark' ? 'meta mark' : key)
const sourceText = (to: number | 'mark' | 'ct mark'): string => (typeof to === 'number' ? hexText(to) : keyText(to))
const notText = (not: true | undefined): string => (not === true ? '!= ' : '')
const hexText = (value: number): string => `0x${value.toString(16).padStart(8, '0')}`
