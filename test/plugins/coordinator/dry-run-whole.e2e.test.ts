// `coordinator --plan` is complete: ADD changes exactly the links, routes, rules, neighbours,
// sysctls and tables of the plan.
import t, { type Test } from 'tap'
import { nicOf, openCoordination, stateOf, VETH, type Nic } from '../../fixtures/coordination.js'
import { dumpAll } from '../../fixtures/dump.js'
import type { Place } from '../../fixtures/netns.js'

const world = openCoordination()
t.teardown(world.close)
const { node, coordinate, attach, detach, overlay } = world
const [eth0, net1] = [nicOf('eth0', 6), nicOf('net1', 7)] as const

interface Step {
  readonly satisfied: boolean
  readonly verb: string
  readonly where: 'pod' | 'node'
  readonly name?: string
  readonly path?: string
  readonly value?: string
  readonly ip?: string
  readonly route?: { readonly dst: string; readonly via?: string; readonly dev?: string; readonly table?: number }
  readonly rule?: { readonly from?: string; readonly table: number }
}

const dryRun = (pod: Place, nic: Nic, format: string, conf: object) =>
  coordinate('', pod, nic, { conf, env: { CNI_COMMAND: undefined }, under: ['sh', '-c', `exec "$0" ${format}`] })

const bare = (cidr: string): string =>
  /^(0\.0\.0\.0|::)\/0$/.test(cidr) ? 'default' : cidr.replace(/(\.\d+)\/32$|\/128$/, '$1')
const routeOf = ({ where, route }: Step): string =>
  `${where} ${route?.table === 254 || route?.table === undefined ? 'main' : route.table}: ${bare(route?.dst ?? '')}` +
  `${route?.via === undefined ? '' : ` via ${route.via}`} dev ${route?.dev ?? ''}`

/** IPv6 has several paths as routes of their own, which can go one by one. */
const pathsOf = (line: string): readonly string[] => {
  const [start = ''] = /^\S+ \S+/.exec(line) ?? []
  const paths = line.matchAll(/nexthop (via \S+ dev \S+)/g)
  const one = /^\S+ \S+( via \S+)? dev \S+/.exec(line)?.[0]
  return one === undefined ? [...paths].map(([, path = '']) => `${start} ${path}`) : [one]
}

/** What is seen, in the same words: what a route is besides that its place in the plan has too. */
const seenIn = (pod: Place) => {
  const states = { pod: stateOf(pod), node: stateOf(node) }
  const all = (of: (state: (typeof states)['pod']) => readonly string[]): readonly string[] =>
    (['pod', 'node'] as const).flatMap(where => of(states[where]).map(line => `${where} ${line}`))
  const sysctls = [pod, node].map(place =>
    (dumpAll(place).match(/^\/proc\/sys\/net\/.+?:.*$/gm) ?? []).map(line => line.replace('/proc/sys/', '')),
  )
  return {
    routes: all(({ routes }) => routes.flatMap(pathsOf)),
    rules: all(({ rules }) => rules.map(line => line.replace(/^\d+: /, ''))),
    neighs: all(({ neighs }) => neighs.map(line => line.replace(/ lladdr .*/, ''))),
    links: [...pod.links().map(name => `pod ${name}`), ...node.links().map(name => `node ${name}`)],
    sysctls: { pod: sysctls[0] ?? [], node: sysctls[1] ?? [] },
    nft: pod.sh('nft list tables'),
  }
}
type Seen = ReturnType<typeof seenIn>

const more = (a: readonly string[], b: readonly string[]): readonly string[] => {
  const left = [...a]
  return b.filter(line => !left.includes(line) || !left.splice(left.indexOf(line), 1)).sort()
}
const announced = (
  steps: readonly Step[],
  verbs: readonly string[],
  words: (step: Step) => string,
): readonly string[] =>
  steps
    .filter(({ satisfied, verb }) => !satisfied && verbs.includes(verb))
    .map(words)
    .sort()

function compare(t: Test, steps: readonly Step[], before: Seen, after: Seen): void {
  t.strictSame(announced(steps, ['addRoute'], routeOf), more(before.routes, after.routes), 'routes that are made')
  t.strictSame(announced(steps, ['removeRoute'], routeOf), more(after.routes, before.routes), 'routes that go')
  const ruleOf = ({ where, rule }: Step): string => {
    const from = rule?.from === undefined ? 'all' : bare(rule.from)
    return `${where} from ${from}${where === 'pod' && from === 'all' ? ' fwmark 0x1' : ''} lookup ${rule?.table ?? 0}`
  }
  t.strictSame(announced(steps, ['addRule', 'shareRule'], ruleOf), more(before.rules, after.rules), 'rules')
  const neighOf = ({ where, ip, name }: Step): string => `${where} ${ip ?? ''} dev ${name ?? ''}`
  t.strictSame(announced(steps, ['addNeigh'], neighOf), more(before.neighs, after.neighs), 'neighbours')
  const links = announced(steps, ['addLink'], ({ where, name }) => `${where} ${name ?? ''}`)
  t.strictSame(
    links.flatMap(link => [`node ${VETH}`, link]),
    more(before.links, after.links),
    'links',
  )
  t.equal(
    steps.some(({ verb, satisfied }) => verb === 'setNftTable' && !satisfied),
    before.nft !== after.nft,
    'nf_tables',
  )
  for (const where of ['pod', 'node'] as const) {
    const pathOf = (line: string): string => line.replace(/:.*/, '')
    const known = before.sysctls[where].map(pathOf)
    const isKnown = (line: string): boolean => known.includes(pathOf(line))
    const set = announced(steps, ['setSysctl'], step =>
      step.where === where ? `${step.path ?? ''}:${step.value ?? ''}` : '',
    )
    t.strictSame(
      set.filter(isKnown),
      more(before.sysctls[where], after.sysctls[where]).filter(isKnown),
      `sysctls of what was there, ${where}`,
    )
  }
}

interface Case {
  readonly name: string
  readonly nic: Nic
  readonly isOverlay?: boolean
  readonly conf?: object
}
const CASES: readonly Case[] = [
  { name: 'a default interface', nic: eth0, conf: { podRPFilter: 2 } },
  { name: 'a secondary interface', nic: net1 },
  { name: 'a secondary interface that takes the default route', nic: net1, conf: { podDefaultRouteNic: 'net1' } },
  { name: 'a secondary interface of an overlay', nic: net1, isOverlay: true },
]
for (const { name, nic, isOverlay = false, conf = {} } of CASES)
  t.test(`--plan of ${name} has exactly the changes of ADD`, async t => {
    const pod = world.pod()
    const isFurther = nic !== eth0 && !isOverlay
    if (isOverlay) overlay(pod, 5)
    if (isFurther) {
      attach(pod, eth0)
      await coordinate('ADD', pod, eth0)
    }
    attach(pod, nic)
    pod.sh('echo 1 > /proc/sys/net/ipv4/conf/all/rp_filter')
    const before = seenIn(pod)
    const { steps } = (await dryRun(pod, nic, '--plan=json', conf)).json as { steps: readonly Step[] }
    const table = (await dryRun(pod, nic, '--plan', conf)).stdout.split('\n')
    for (const [sign, satisfied] of [
      ['+ ', false],
      ['= ', true],
    ] as const)
      t.equal(
        table.filter(line => line.startsWith(sign)).length,
        steps.filter(step => step.satisfied === satisfied).length,
        `lines with ${sign}`,
      )
    t.equal((await coordinate('ADD', pod, nic, { conf })).status, 0)
    compare(t, steps, before, seenIn(pod))
    await coordinate('DEL', pod, nic)
    detach(pod, nic)
    if (isFurther) {
      await coordinate('DEL', pod, eth0)
      detach(pod, eth0)
    }
    if (isOverlay) pod.sh('ip link del eth0')
  })
