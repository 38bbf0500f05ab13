// shareRule without a lock, on a model of the kernel: an ADD between any two messages of another
// pod's DEL.
import t from 'tap'
import { bytesOf, ip } from '../../../lib/ip/address.js'
import { shareRule } from '../../../lib/kernel/acts/rule.js'
import type { Namespaces } from '../../../lib/kernel/netns-pair.js'
import { errnoOf, NetlinkError } from '../../../lib/netlink/errno.js'
import { anyRoute } from '../../../lib/netlink/rtnl/route.js'
import { anyRule, FR_ACT, ruleAdd, ruleDump } from '../../../lib/netlink/rtnl/rule.js'
import type { StepOf } from '../../../lib/plan/step.js'

const TABLE = 500
const NEW_POD = '10.6.0.21'
const step: StepOf<'shareRule'> = {
  ...{ verb: 'shareRule', where: 'node', rule: { family: 4, priority: 1000, table: TABLE }, mine: [] },
}

interface Kernel {
  readonly routes: Set<string>
  hasRule: boolean
}

/** `between` is called before each message with its number, from 0. */
function placesOf(kernel: Kernel, between: (turn: number) => void = () => undefined): Namespaces {
  let turn = 0
  const conn = {
    dump({ name }: { name: string }) {
      between(turn++)
      if (name === ruleDump.name)
        return kernel.hasRule
          ? [{ header: { ...anyRule, family: 2, action: FR_ACT.toTable }, attrs: { table: TABLE, priority: 1000 } }]
          : []
      return [...kernel.routes].map(route => ({
        header: { ...anyRoute, family: 2, dstLength: 32 },
        attrs: { table: TABLE, dst: bytesOf(ip(route)) },
      }))
    },
    has(op: { name: string }, _: unknown, isOne: (value: unknown) => boolean): boolean {
      return this.dump(op).some(isOne)
    },
    change({ name }: { name: string }) {
      between(turn++)
      const isAddition = name === ruleAdd.name
      if (kernel.hasRule === isAddition)
        throw new NetlinkError({ op: name, errno: errnoOf(isAddition ? 'EEXIST' : 'ENOENT'), text: '' })
      kernel.hasRule = isAddition
    },
  }
  return { at: () => conn } as unknown as Namespaces
}

/** Of an undoing: look, look for rules, remove, look again, put back; and after it. */
const TURNS = [0, 1, 2, 3, 4, 5]

t.test('shareRule with concurrent ADD and DEL keeps the rule', t => {
  for (const route of TURNS)
    for (const rule of TURNS.filter(turn => turn >= route))
      for (const third of TURNS) {
        const kernel: Kernel = { routes: new Set(), hasRule: true }
        const events = [
          { turn: route, happen: () => void kernel.routes.add(NEW_POD) },
          { turn: rule, happen: () => shareRule.apply(placesOf(kernel), step) },
          { turn: third, happen: () => shareRule.undo(placesOf(kernel), step) },
        ]
        const happenUntil = (now: number): void => {
          for (const event of events.filter(({ turn }) => turn <= now)) {
            events.splice(events.indexOf(event), 1)
            event.happen()
          }
        }
        shareRule.undo(placesOf(kernel, happenUntil), step)
        happenUntil(Infinity)
        t.ok(kernel.hasRule, `its route before message ${route}, its rule before ${rule}, the third before ${third}`)
      }
  t.end()
})

t.test('shareRule undo deletes the rule with the last pod', t => {
  for (const hasRule of [true, false]) {
    const kernel: Kernel = { routes: new Set(), hasRule }
    shareRule.undo(placesOf(kernel), step)
    t.notOk(kernel.hasRule)
  }
  const kernel: Kernel = { routes: new Set([NEW_POD]), hasRule: true }
  shareRule.undo(placesOf(kernel), { ...step, mine: [] })
  t.ok(kernel.hasRule, 'one is left')
  t.end()
})
