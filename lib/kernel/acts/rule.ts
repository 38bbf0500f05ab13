// Policy routing rules, added and removed; each is the other's undoing.
import { anyRule, FR_ACT, ruleAdd, ruleDel, type Rule as Message } from '../../netlink/rtnl/rule.js'
import type { Rule, StepOf } from '../../plan/step.js'
import { AF, networkBytes } from '../family.js'
import { unlessGone } from '../places.js'
import type { Act } from './act.js'

function messageOf({ family, priority, from, to, mark, table }: Rule): Message {
  const source = from && networkBytes(from)
  const target = to && networkBytes(to)
  return {
    header: {
      ...anyRule,
      family: AF[family],
      srcLength: source?.length ?? 0,
      dstLength: target?.length ?? 0,
      table: table < 256 ? table : 0,
      action: FR_ACT.toTable,
    },
    attrs: { src: source?.bytes, dst: target?.bytes, priority, mark, table },
  }
}

export const addRule: Act<StepOf<'addRule'>> = {
  apply: (places, { where, rule }) => places.at(where).change(ruleAdd, messageOf(rule)),
  undo: (places, { where, rule }) => unlessGone(['ENOENT'], () => places.at(where).change(ruleDel, messageOf(rule))),
}

export const removeRule: Act<StepOf<'removeRule'>> = {
  apply: (places, { where, rule }) => places.at(where).change(ruleDel, messageOf(rule)),
  undo: (places, { where, rule }) => unlessGone(['EEXIST'], () => places.at(where).change(ruleAdd, messageOf(rule))),
}
