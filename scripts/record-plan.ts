// Records a case of plans on paper on a node, as root, from environment and stdin of a call.
//   CNI_COMMAND=ADD … scripts/bun.sh scripts/record-plan.ts coordinator 'About' < conf.json
import { readFileSync } from 'node:fs'
import { format } from 'prettier'
import { CniError } from '../lib/cni/error.js'
import type { Result } from '../lib/cni/result.js'
import { openKernel, type Kernel } from '../lib/kernel/kernel.js'
import { NFT_TABLE } from '../lib/plan/nft-table.js'
import type { NetnsState, Observed } from '../lib/plan/state.js'
import { accepts as acceptsCoordinator } from '../plugins/coordinator/config.js'
import { configuredTable } from '../plugins/coordinator/del.js'
import { observeAll, observeForDel } from '../plugins/coordinator/observe.js'
import { decide } from '../plugins/coordinator/plan.js'
import { packetsIn, routeChecksOf } from '../plugins/coordinator/rule-priorities.js'
import { settingsOf } from '../plugins/coordinator/settings.js'
import { routedIps } from '../plugins/coordinator/pod-node-routing.js'
import { accepts as acceptsMacvlan } from '../plugins/macvlan-wrapper/config.js'
import { dadSysctlsOf } from '../plugins/macvlan-wrapper/dad.js'
import * as macvlan from '../plugins/macvlan-wrapper/plan.js'
import { compact, textOrRefusal, type PlanCase } from '../test/fixtures/plan-cases.js'
import { coordinatorText, ifacerText, MACS, macvlanText } from '../test/fixtures/plan-texts.js'

interface Here {
  readonly kernel: Kernel
  readonly conf: object
  readonly call: PlanCase['call']
  readonly hasPod: boolean
}
type Recorded = Pick<PlanCase, 'answers'> & { readonly observed: Observed }

function coordinator({ kernel, conf, call, hasPod }: Here): Recorded {
  const { ifName, containerID, prevResult } = call
  const config = acceptsCoordinator(conf)
  if (call.verb === 'DEL') {
    const firstNic = config.podDefaultCniNic
    return {
      observed: observeForDel(kernel, { ifName, containerID, firstNic, table: configuredTable(config), hasPod }),
    }
  }
  const settings = settingsOf(config, {})
  if (call.verb === 'ADD') return { observed: observedFor(kernel, { ifName, containerID, settings }) }
  const { mode, observed } = observeAll(kernel, { ifName, containerID, settings })
  const { context } = decide({ ifName, containerID, settings, mode, observed, macs: MACS }, prevResult)
  const ways = routeChecksOf(context, routedIps(context))
  const asked = kernel.observe({
    node: { packets: packetsIn(ways, 'node') },
    pod: { packets: packetsIn(ways, 'pod') },
  })
  const { nft, mangle } = kernel.observe({ pod: { nft: [NFT_TABLE], mangle: true } }).pod
  const pod = { ...observed.pod, nft, ...(mangle === true && { mangle }) }
  return { observed: { ...observed, pod }, answers: { node: asked.node.resolved, pod: asked.pod.resolved } }
}

/** A mode that does not fit the pod is refused before the node is looked at. */
function observedFor(kernel: Kernel, looking: Parameters<typeof observeAll>[1]): Observed {
  try {
    return observeAll(kernel, looking).observed
  } catch (error) {
    if (!(error instanceof CniError)) throw error
    return observeAll(kernel, { ...looking, settings: { ...looking.settings, mode: 'auto' } }).observed
  }
}

/**
 * ADD adds addresses to an existing interface: record it after the first half of an ADD, or after a
 * complete one.
 */
function macvlanWrapper({ kernel, conf, call: { ifName, verb }, hasPod }: Here): Recorded {
  const config = acceptsMacvlan(conf)
  const where = macvlan.whereMaster(config)
  const sysctls = [...macvlan.sysctlsOf(ifName), ...dadSysctlsOf(ifName)]
  const pod = { links: 'all', addressesOn: 'all', routes: {}, sysctls } as const
  const node = { links: config.master === '' ? 'all' : [config.master], routes: { table: 254 } } as const
  const wishes = { ...(hasPod && { pod }), ...(where === 'node' && verb === 'ADD' && { node }) }
  return { observed: kernel.observe(wishes) }
}

const ifacer = ({ kernel }: Here): Recorded => ({
  observed: kernel.observe({ node: { links: 'all', addressesOn: 'global', routes: { table: 254 } } }),
})

const PLUGINS = {
  coordinator: [coordinator, coordinatorText],
  'macvlan-wrapper': [macvlanWrapper, macvlanText],
  ifacer: [ifacer, ifacerText],
} as const

const [plugin = '', about = ''] = process.argv.slice(2)
const known = Object.entries(PLUGINS).find(([name]) => name === plugin)
if (known === undefined) throw new Error(`"${plugin}" is not one of ${Object.keys(PLUGINS).join(', ')}`)
const [, [record, textOf]] = known

const stdin = JSON.parse(readFileSync(0, 'utf8')) as { prevResult?: Result; ipam?: unknown } & Record<string, unknown>
const { prevResult, ...conf } = stdin
const env = (key: string): string => process.env[`CNI_${key}`] ?? ''
const call = {
  verb: env('COMMAND') || 'ADD',
  containerID: env('CONTAINERID'),
  ifName: env('IFNAME'),
  ...(prevResult && { prevResult }),
}
const ipam = process.env['IPAM_RESULT']
const netns = env('NETNS')
const kernel = openKernel(netns)
const { observed, ...more } = record({ kernel, conf, call, hasPod: netns !== '' })
kernel.close()
const held = process.env['HELD']
/**
 * State that the kernel learns changes between reads, and no plan uses it; its order of neighbours
 * is a hash's.
 */
const lasting = (state: NetnsState): NetnsState => ({
  ...state,
  neighs: state.neighs
    .filter(({ permanent }) => permanent)
    .sort((a, b) => (`${a.dev} ${a.ip}` < `${b.dev} ${b.ip}` ? -1 : 1)),
})
const whole = {
  about,
  conf,
  call,
  observed: compact({ node: lasting(observed.node), pod: lasting(observed.pod) }),
  ...more,
  ...(ipam && { ipam: JSON.parse(ipam) as Result }),
  ...(held && { held: JSON.parse(held) as string[] }),
}
const one = JSON.parse(likeEverywhere(JSON.stringify(whole))) as PlanCase
console.log((await format(JSON.stringify(one), { parser: 'json', printWidth: 120 })).trimEnd())
console.error(textOrRefusal(() => textOf(one)))

/**
 * MACs, link-local addresses and random names, by their order in the text. Chosen MACs, below
 * 02:00:00, stay.
 */
function likeEverywhere(text: string): string {
  const numbered = (pattern: RegExp, name: (at: number) => string) => (from: string) => {
    const found = [...new Set([...from.matchAll(pattern)].map(([match]) => match))]
    return from.replace(pattern, match => name(found.indexOf(match) + 1))
  }
  const hex = (at: number): string => at.toString(16).padStart(2, '0')
  return [
    numbered(/\b(?!02:00:00|00:00:00|0a:1b|ff:ff)[0-9a-f]{2}(:[0-9a-f]{2}){5}\b/g, at => `02:00:00:00:00:${hex(at)}`),
    numbered(/\bfe80::(?!ecee)[0-9a-f:]+\b(?!\/64)/g, at => `fe80::${hex(at)}`),
    (from: string) => from.replaceAll(netns || '/run/netns/pod', '/run/netns/pod').replace(/\bcali\d{2,}/g, 'cali5'),
  ].reduce((from, change) => change(from), text)
}
