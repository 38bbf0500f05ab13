// Policy routing rules, added and removed; each is the other's undoing.
import {
  anyRule,
  FR_ACT,
  isPlainRule,
  ruleAdd,
  ruleDel,
  ruleDump,
  ruleTableOf,
  type RuleMessage as Message,
} from '../../netlink/rtnl/rule.js'
import { anyRoute, routeDump, tableOf } from '../../netlink/rtnl/route.js'
import type { Rule, StepOf } from '../../plan/step.js'
import { AF, networkBytes, networkFrom } from '../family.js'
import { unlessGone, type Namespaces } from '../namespaces.js'
import type { Act } from './act.js'

function messageOf({ family, priority, from, to, fwmark, table }: Rule): Message {
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
    attrs: { src: source?.bytes, dst: target?.bytes, priority, mark: fwmark, table },
  }
}

export const addRule: Act<StepOf<'addRule'>> = {
  apply: (namespaces, { where, rule }) => namespaces.at(where).change(ruleAdd, messageOf(rule)),
  undo: (namespaces, { where, rule }) =>
    unlessGone(['ENOENT'], () => namespaces.at(where).change(ruleDel, messageOf(rule))),
}

export const removeRule: Act<StepOf<'removeRule'>> = {
  apply: (namespaces, { where, rule }) => namespaces.at(where).change(ruleDel, messageOf(rule)),
  undo: (namespaces, { where, rule }) =>
    unlessGone(['EEXIST'], () => namespaces.at(where).change(ruleAdd, messageOf(rule))),
}

/** Another call may have made it meanwhile: it is one rule for all. */
const share = (namespaces: Namespaces, { where, rule }: Sharing): void =>
  unlessGone(['EEXIST'], () => namespaces.at(where).change(ruleAdd, messageOf(rule)))

type Sharing = Pick<StepOf<'shareRule'>, 'where' | 'rule'>

/** Does the table lead anywhere but to what is ours? */
function isUsed(namespaces: Namespaces, { where, rule, mine }: StepOf<'shareRule'>): boolean {
  const { family, table } = rule
  return namespaces
    .at(where)
    .dump(routeDump, { header: { ...anyRoute, family: AF[family] }, attrs: { table } })
    .filter(route => route.header.family === AF[family] && tableOf(route) === table)
    .some(({ header, attrs }) => !mine.includes(networkFrom(family, header.dstLength, attrs.dst)))
}

/** Of whatever priority: where other rules were in the way, an ADD has put one before them. */
const sharedRules = (namespaces: Namespaces, { where, rule: { family, table } }: Sharing): readonly Rule[] =>
  namespaces
    .at(where)
    .dump(ruleDump, { header: { ...anyRule, family: AF[family] }, attrs: {} })
    .filter(rule => rule.header.family === AF[family] && ruleTableOf(rule) === table && isPlainRule(rule))
    .filter(({ attrs: { src, dst, mark } }) => src === undefined && dst === undefined && mark === undefined)
    .map(({ attrs }) => ({ family, table, priority: attrs.priority ?? 0 }))

/**
 * No lock is needed: whoever adds, adds its route first and the rule then; whoever takes the rule away looks for routes afterwards, and
 * puts it back if there is one. The kernel does one after the other, so one of the two always sees the other's.
 */
export const shareRule: Act<StepOf<'shareRule'>> = {
  apply: share,
  undo(namespaces, step) {
    if (isUsed(namespaces, step)) return
    const rules = sharedRules(namespaces, step)
    for (const rule of rules) unlessGone(['ENOENT'], () => namespaces.at(step.where).change(ruleDel, messageOf(rule)))
    if (rules.length > 0 && isUsed(namespaces, step))
      for (const rule of rules) share(namespaces, { where: step.where, rule })
  },
}
