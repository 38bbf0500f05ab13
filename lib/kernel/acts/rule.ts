// Policy routing rules: `addRule` and `removeRule` undo each other; `shareRule` counts routes.
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
import { unlessGone, type Namespaces } from '../netns-pair.js'
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

/** A concurrent call may have added it already. */
const share = (namespaces: Namespaces, { where, rule }: Sharing): void =>
  unlessGone(['EEXIST'], () => namespaces.at(where).change(ruleAdd, messageOf(rule)))

type Sharing = Pick<StepOf<'shareRule'>, 'where' | 'rule'>

/** Whether the table has routes other than `mine`. */
function isUsed(namespaces: Namespaces, { where, rule, mine }: StepOf<'shareRule'>): boolean {
  const { family, table } = rule
  const filter = { header: { ...anyRoute, family: AF[family] }, attrs: { table } }
  return namespaces.at(where).has(routeDump, filter, route => {
    if (route.header.family !== AF[family] || tableOf(route) !== table) return false
    return !mine.includes(networkFrom(family, route.header.dstLength, route.attrs.dst))
  })
}

/** Of any priority: an ADD adds one before rules of other programs. */
const sharedRules = (namespaces: Namespaces, { where, rule: { family, table } }: Sharing): readonly Rule[] =>
  namespaces
    .at(where)
    .dump(ruleDump, { header: { ...anyRule, family: AF[family] }, attrs: {} })
    .filter(rule => rule.header.family === AF[family] && ruleTableOf(rule) === table && isPlainRule(rule))
    .filter(({ attrs: { src, dst, mark } }) => src === undefined && dst === undefined && mark === undefined)
    .map(({ attrs }) => ({ family, table, priority: attrs.priority ?? 0 }))

/**
 * Works without a lock: ADD adds its route before the rule, and undo looks for routes after
 * deleting the rule and adds it again if there are any. The kernel serializes the requests (RTNL),
 * so one of the two observes the other.
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
