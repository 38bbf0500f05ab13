// Loaded lazily: address conflict and gateway detection on the NIC, before anything is changed.
import { OwnError } from '../../lib/cni/error.js'
import type { CallHost } from '../../lib/cni/host.js'
import { familyOf } from '../../lib/ip/address.js'
import { REFUSALS } from '../../lib/ipam/errors.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import { isDefault, linkNamed } from '../../lib/plan/state.js'
import { sentenceOf, type Finding, type ProbeRequest } from '../../lib/probe/detect.js'
import type { CoordinatorContext } from './context.js'

type Detect = (
  on: { readonly kernel: Kernel; readonly nic: string },
  asks: readonly ProbeRequest[],
) => readonly Finding[] | Promise<readonly Finding[]>

export interface ConflictProbe {
  readonly context: CoordinatorContext
  readonly kernel: Kernel
  readonly host: CallHost | undefined
}

/** The node agent serves other calls while it waits for frames. */
const probeOf = async (host: CallHost | undefined): Promise<Detect> =>
  host === undefined
    ? (await import('../../lib/kernel/run-probe.js')).detect
    : (await import('../../lib/kernel/run-probe-async.js')).probe

/**
 * Probes the NIC's addresses and gateways: about 200 ms, up to 500 ms if a gateway does not answer.
 * @throws OwnError 108 naming the MAC that has an address, 109 naming the gateway; the NIC is
 *   unchanged
 */
export async function checkConflicts({ context, kernel, host }: ConflictProbe): Promise<void> {
  const { ifName, pod } = context
  const requests = probeRequestsOf(context)
  if (requests.length === 0) return
  const wasDown = linkNamed(pod, ifName)?.up === false
  let isFree = false
  try {
    const findings = await (await probeOf(host))({ kernel, nic: ifName }, requests)
    const first = findings.find(({ kind }) => kind === 'conflict') ?? findings[0]
    isFree = first === undefined
    if (first === undefined) return
    const { code } = REFUSALS[first.kind === 'conflict' ? 'ipConflict' : 'gatewayUnreachable']
    const others = findings.filter(one => one !== first).map(one => sentenceOf(one, ifName))
    throw new OwnError(code, sentenceOf(first, ifName), others.join('; '))
  } finally {
    if (!isFree && wasDown) kernel.undo({ verb: 'setUp', where: 'pod', name: ifName, was: false })
  }
}

/** Each address, and per family the gateway of the NIC's default route, in any table. Pure. */
export function probeRequestsOf({ own, settings, pod, ifName }: CoordinatorContext): readonly ProbeRequest[] {
  const { detectIPConflict: conflict, detectGateway } = settings
  const gateways = pod.routes.flatMap(({ dst, via, dev }) =>
    detectGateway && isDefault(dst) && dev === ifName && via !== undefined ? [via] : [],
  )
  const ours = pod.links.flatMap(({ mac }) => mac ?? [])
  return own.flatMap((ip, at) => {
    const isFirst = own.findIndex(other => familyOf(other) === familyOf(ip)) === at
    const gateway = isFirst ? gateways.find(via => familyOf(via) === familyOf(ip)) : undefined
    return conflict || gateway !== undefined ? [{ ip, conflict, ours, ...(gateway !== undefined && { gateway }) }] : []
  })
}
