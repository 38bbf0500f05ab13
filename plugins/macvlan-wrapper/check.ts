// CHECK: compares the interface with prevResult, with the reference plugin's sentences. Pure.
import { CniError } from '../../lib/cni/error.js'
import type { Call } from '../../lib/cni/plugin.js'
import type { Interface, Result } from '../../lib/cni/result.js'
import { parseIp } from '../../lib/ip/address.js'
import { networkOf, parsePrefix } from '../../lib/ip/cidr.js'
import { linkNamed, samePrefix, type NetnsState } from '../../lib/plan/state.js'
import type { MacvlanConf } from './config.js'

type Checked = Pick<Call<MacvlanConf>, 'config' | 'ifName' | 'netns'>

const wrong = (message: string): CniError => new CniError('internal', message)

/** Our interface in prevResult. @throws CniError if there is none */
export function ownInterface({ ifName, netns }: Checked, prevResult: Result): Interface {
  const own = prevResult.interfaces?.find(({ name }) => name === ifName)
  if ((own?.sandbox ?? '') !== netns || own === undefined)
    throw wrong(`sandbox in prevResult ${own?.sandbox ?? ''} doesn't match configured netns: ${netns}`)
  return own
}

/**
 * `pod` has the link, its addresses and all routes; additional ones are fine.
 * @throws CniError for the first difference from prevResult
 */
export function checkPod(call: Checked, prevResult: Result, pod: NetnsState): void {
  checkLink(call, ownInterface(call, prevResult), pod)
  const at = (prevResult.interfaces ?? []).findIndex(({ name }) => name === call.ifName)
  const ours = (prevResult.ips ?? []).filter(ip => ip.interface === undefined || ip.interface === at)
  for (const { address, gateway } of ours) checkAddress(call, { address, gateway: gateway ?? '<nil>' }, pod)
  for (const route of prevResult.routes ?? []) checkRoute(route, pod)
}

function checkLink({ config, ifName }: Checked, own: Interface, pod: NetnsState): void {
  const link = linkNamed(pod, ifName)
  if (link === undefined) throw wrong(`failed to lookup "${ifName}": Link not found`)
  if (link.kind !== 'macvlan') throw wrong(`error: Container interface ${ifName} not of type macvlan`)
  const mode = link.macvlan?.mode ?? 'unknown'
  if (mode !== config.mode) throw wrong(`container macvlan mode ${mode} does not match expected value: ${config.mode}`)
  if (own.mac && own.mac.toLowerCase() !== link.mac)
    throw wrong(`interface ${ifName} Mac ${own.mac} doesn't match container Mac: ${link.mac ?? ''}`)
  if (!link.up) throw wrong(`interface ${ifName} is down`)
}

function checkAddress(
  { ifName }: Checked,
  { address, gateway }: { address: string; gateway: string },
  pod: NetnsState,
): void {
  const prefix = parsePrefix(address)
  const isThere = prefix && pod.addresses.some(has => has.dev === ifName && samePrefix(has.address, prefix))
  if (!isThere) throw wrong(`Failed to match addr ${address} on interface ${ifName}`)
  const network = networkOf(prefix)
  if (!pod.routes.some(({ dst }) => dst === network))
    throw wrong(`Failed to find Gateway ${gateway} for interface ${ifName}`)
}

/** Any default route matches, as in the reference plugin: a chained plugin may have replaced it. */
function checkRoute({ dst, gw }: { dst: string; gw?: string }, pod: NetnsState): void {
  const prefix = parsePrefix(dst)
  const to = prefix && networkOf(prefix)
  const via = gw === undefined ? undefined : parseIp(gw)
  const isThere = pod.routes.some(
    has => has.dst === to && (prefix?.length === 0 || via === undefined || has.via === via),
  )
  if (!isThere)
    throw wrong(`Expected Route {Dst:${dst}${gw === undefined ? '' : ` GW:${gw}`}} not found in routing table`)
}
