// Rules: RTM_NEWRULE, RTM_DELRULE, RTM_GETRULE (<linux/fib_rules.h>).
import { attrs, body } from '../attrs.js'
import { change, dump, NLM_F } from '../message.js'
import { cstring, raw, struct, u16, u32, u8, type ValueOf } from '../../bytes.js'

export const fibRuleHdr = struct('fib_rule_hdr', 12, {
  family: u8,
  dstLength: u8,
  srcLength: u8,
  tos: u8,
  table: u8, // 0, or 252 in dumps, where the number is larger; FRA_TABLE supersedes this where present
  _res1: u8,
  _res2: u8,
  action: u8,
  flags: u32,
})

const portRange = struct('fib_rule_port_range', 4, { start: u16, end: u16 })

export const fra = attrs({
  dst: [1, raw],
  src: [2, raw],
  iifName: [3, cstring],
  goto: [4, u32],
  priority: [6, u32], // absent in dumps for 0; absent in requests: one before the second rule
  mark: [10, u32],
  flow: [11, u32],
  tunId: [12, raw], // eight bytes, network order
  suppressIfGroup: [13, u32],
  suppressPrefixLength: [14, u32], // 0xffffffff: none
  table: [15, u32],
  mask: [16, u32],
  oifName: [17, cstring],
  l3mdev: [19, u8],
  uidRange: [20, struct('fib_rule_uid_range', 8, { start: u32, end: u32 })],
  protocol: [21, u8],
  ipProto: [22, u8],
  sourcePorts: [23, portRange],
  destinationPorts: [24, portRange],
})

const rule = body(fibRuleHdr, fra)
export type RuleMessage = ValueOf<typeof rule>

/** The table of a rule: FRA_TABLE, else its header field. */
export const ruleTableOf = ({ header, attrs }: RuleMessage): number => attrs.table ?? header.table

export const FR_ACT = { unspec: 0, toTable: 1, goto: 2, nop: 3, blackhole: 6, unreachable: 7, prohibit: 8 } as const
export const FIB_RULE = { permanent: 1, invert: 2, unresolved: 4, iifDetached: 8, oifDetached: 16 } as const

/** The default (net/core/fib_rules.c). */
const ANY_PREFIX_LENGTH = 0xffffffff
const WHOLE_MARK = 0xffffffff

/**
 * Whether the rule selects only by source, destination and mark, and its action is a table lookup.
 */
export const isPlainRule = ({ header, attrs }: RuleMessage): boolean =>
  header.action === FR_ACT.toTable &&
  header.tos === 0 &&
  (header.flags & FIB_RULE.invert) === 0 &&
  (attrs.mask ?? WHOLE_MARK) === WHOLE_MARK &&
  (attrs.suppressPrefixLength ?? ANY_PREFIX_LENGTH) === ANY_PREFIX_LENGTH &&
  SELECTORS.every(name => attrs[name] === undefined) &&
  !attrs.l3mdev &&
  (attrs.unknown ?? []).length === 0

const SELECTORS = [
  'iifName',
  'oifName',
  'tunId',
  'suppressIfGroup',
  'uidRange',
  'ipProto',
  'sourcePorts',
  'destinationPorts',
] as const

/** For dumps: `family` filters; strict checking requires all other fields to be zero. */
export const anyRule: RuleMessage['header'] = {
  family: 0,
  dstLength: 0,
  srcLength: 0,
  tos: 0,
  table: 0,
  action: 0,
  flags: 0,
}

export const ruleAdd = change('rule.add', 32, rule, NLM_F.create | NLM_F.excl)
export const ruleDel = change('rule.del', 33, rule)
export const ruleDump = dump('rule.dump', 34, rule)
