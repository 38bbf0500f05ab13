// Steps as text: complete, so that equal texts are equal plans. Pure.
import { RT_TABLE_MAIN } from '../linux/constants.js'
import { formatPrefix } from '../ip/cidr.js'
import { nftRuleText } from './nft-table.js'
import type { NewLink, Plan, Route, Rule, Step, StepOf, Where } from './step.js'

/** `in the container` or `on the node`. */
export const placeNamed = (where: Where): string => (where === 'pod' ? 'in the container' : 'on the node')
/** The namespace of a step, in words. */
export const placeOf = ({ where }: Step): string => placeNamed(where)
/** `main`, or the number. */
export const tableText = (table: number): string => (table === RT_TABLE_MAIN ? 'main' : String(table))

type Words = readonly (string | false | undefined)[]
const sentence = (words: Words, between = ' '): string => words.filter(Boolean).join(between)

/** A route as `ip route` prints it, without proto, scope and other rarely needed attributes. */
export function routeText({ dst, via, dev, src, table = RT_TABLE_MAIN, metric, mtu, onlink, nexthops }: Route): string {
  return sentence([
    dst === '0.0.0.0/0' || dst === '::/0'
      ? `default${dst === '::/0' ? ' (IPv6)' : ''}`
      : dst.replace(/\/(32|128)$/, ''),
    nexthops === undefined && via !== undefined && `via ${via}`,
    nexthops === undefined && dev !== undefined && `dev ${dev}`,
    nexthops?.map(path => `nexthop${path.via === undefined ? '' : ` via ${path.via}`} dev ${path.dev}`).join(' '),
    src !== undefined && `src ${src}`,
    metric !== undefined && metric > 0 && `metric ${metric}`,
    mtu !== undefined && `mtu ${mtu}`,
    onlink === true && 'onlink',
    `table ${tableText(table)}`,
  ])
}

/** A rule as `ip rule` prints it. */
export function ruleText({ family, priority, from, to, fwmark, table, more }: Rule): string {
  return sentence([
    `IPv${family}`,
    priority !== undefined && `${priority}:`,
    `from ${from?.replace(/\/(32|128)$/, '') ?? 'all'}`,
    to !== undefined && `to ${to}`,
    fwmark !== undefined && `fwmark 0x${fwmark.toString(16)}`,
    table > 0 && `lookup ${tableText(table)}`,
    more === true && '…',
  ])
}

/** RT_SCOPE_*, RTPROT_* and RTN_* (<linux/rtnetlink.h>) as iproute2 prints them. */
const SCOPES: Readonly<Record<number, string>> = { 200: 'site', 253: 'link', 254: 'host', 255: 'nowhere' }
const ORIGINS: Readonly<Record<number, string>> = { 2: 'kernel', 3: 'boot', 4: 'static', 9: 'ra', 16: 'dhcp' }
const TYPES: Readonly<Record<number, string>> = { 2: 'local', 6: 'blackhole', 7: 'unreachable', 8: 'prohibit' }
const RTN_UNICAST = 1

/** A route with all its attributes. */
const wholeRouteText = (route: Route): string => {
  const { scope = 0, proto, type = RTN_UNICAST, advmss, nexthops, extra } = route
  return sentence([
    routeText(route),
    scope !== 0 && `scope ${SCOPES[scope] ?? scope}`,
    proto !== undefined && `proto ${ORIGINS[proto] ?? proto}`,
    type !== RTN_UNICAST && `type ${TYPES[type] ?? type}`,
    advmss !== undefined && `advmss ${advmss}`,
    nexthops &&
      `weights ${nexthops.map(({ weight, onlink }) => `${weight}${onlink === true ? ' onlink' : ''}`).join(',')}`,
    extra && `extra ${JSON.stringify(extra)}`,
  ])
}

/** In the words of `ip route`: add, prepend, append or replace. */
function addRouteText({ route, how, was }: StepOf<'addRoute'>): string {
  const replaced = how === 'replace' && was ? ` (was ${wholeRouteText(was)})` : ''
  return `${how} route ${wholeRouteText(route)}${replaced}`
}

/** The options of a kind. */
function kindText(link: NewLink): string {
  switch (link.kind) {
    case 'macvlan':
    case 'ipvlan':
    case 'vlan':
      return sentence([
        `on ${link.on} ${placeNamed(link.onWhere ?? 'node')}`,
        link.kind === 'vlan' ? `id ${link.id}` : `mode ${link.mode}`,
        link.kind === 'macvlan' &&
          link.broadcastQueueLength !== undefined &&
          `broadcast queue ${link.broadcastQueueLength}`,
      ])
    case 'veth': {
      const { where, name, mtu, mac } = link.peer
      const its = sentence([mtu !== undefined && `mtu ${mtu}`, mac !== undefined && `mac ${mac}`])
      return `its peer ${name} ${placeNamed(where)}${its === '' ? '' : ` (${its})`}`
    }
    case 'bond':
      return Object.entries(link.options)
        .map(([key, value]) => `${key} ${String(value)}`)
        .join(' ')
    case 'bridge':
      return ''
  }
}

function addLinkText({ name, link, mtu, mac }: StepOf<'addLink'>): string {
  const head = sentence([`add link ${name} of kind ${link.kind}`, kindText(link)], link.kind === 'veth' ? ', ' : ' ')
  return sentence([head, mtu !== undefined && `mtu ${mtu}`, mac !== undefined && `mac ${mac}`])
}

/** The observed value, if it differs from the desired one. */
const wasText = (was: unknown, wanted: unknown, none = 'not there'): string =>
  was === wanted ? '' : ` (was ${was === undefined ? none : String(was)})`

/** A step in one line, without its namespace and without the rules of an nf_tables table. */
export function stepText(step: Step): string {
  switch (step.verb) {
    case 'addLink':
      return addLinkText(step)
    case 'removeLink':
      return `remove link ${step.name}`
    case 'rename':
      return `rename ${step.name} to ${step.to}${step.alias === undefined ? '' : ` with alias "${step.alias}"`}`
    case 'setUp':
      return `set ${step.name} up${step.was ? '' : ' (was down)'}`
    case 'setDown':
      return `set ${step.name} down${step.was ? ' (was up)' : ''}`
    case 'setActiveSlave':
      return `make ${step.slave} the active slave of ${step.name}`
    case 'setMtu':
      return `set the MTU of ${step.name} to ${step.mtu}${wasText(step.was, step.mtu)}`
    case 'setMac':
      return `set the MAC of ${step.name} to ${step.mac}${wasText(step.was, step.mac)}`
    case 'setQueueLength':
      return `set the queue length of ${step.name} to ${step.length}${wasText(step.was, step.length)}`
    case 'setAlias':
      return `set the alias of ${step.name} to "${step.alias}"${wasText(step.was, step.alias, 'none')}`
    case 'setMaster':
      return `set the master of ${step.name} to ${step.master ?? 'none'}${wasText(step.was, step.master, 'none')}`
    case 'addAddress':
      return `add address ${formatPrefix(step.address)} to ${step.name}${step.noDad === true ? ' without duplicate address detection' : ''}`
    case 'setSysctl':
      return `set sysctl ${step.path} to ${step.value}${wasText(step.was, step.value)}${step.optional === true ? ', where it can be' : ''}`
    case 'addNeigh':
    case 'removeNeigh':
      return `${actOf(step)} neighbour ${step.ip}${step.mac === undefined ? '' : ` lladdr ${step.mac}`} dev ${step.name}`
    case 'addRoute':
      return addRouteText(step)
    case 'removeRoute':
      return `remove route ${wholeRouteText(step.route)}${step.behind === true ? ', behind another' : ''}`
    case 'addRule':
    case 'removeRule':
      return `${actOf(step)} rule ${ruleText(step.rule)}`
    case 'shareRule':
      return `add rule ${ruleText(step.rule)} (shared${step.mine.length === 0 ? '' : `; of this call: ${step.mine.join(' ')}`})`
    case 'setNftTable':
      return `set nf_tables table inet ${step.table.name}${nftWas(step)}`
  }
}

const actOf = ({ verb }: Step): 'add' | 'remove' => (verb.startsWith('add') ? 'add' : 'remove')

const nftWas = ({ was }: StepOf<'setNftTable'>): string => (was === undefined ? ' (was not there)' : '')

/** The line of a step, followed by the indented rules of an nf_tables table. */
export const stepLines = (step: Step): readonly string[] => [
  stepText(step),
  ...(step.verb === 'setNftTable'
    ? step.table.chains.flatMap(({ name, rules }) => rules.map(rule => `  ${name}: ${nftRuleText(rule)}`))
    : []),
]

/** One line per step: namespace and action. */
export function planLines(plan: Plan): readonly string[] {
  const width = Math.max(0, ...plan.map(step => placeOf(step).length))
  return plan.flatMap(step =>
    stepLines(step).map((line, at) => `${(at === 0 ? placeOf(step) : '').padEnd(width)}  ${line}`),
  )
}
