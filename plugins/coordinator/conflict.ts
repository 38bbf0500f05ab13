// Whether the NIC's addresses are nobody else's and its gateways are there, asked on its network before anything is made. Loaded only where it is asked for.
import { OwnError } from '../../lib/cni/error.js'
import { familyOf } from '../../lib/ip/address.js'
import { REFUSALS } from '../../lib/ipam/errors.js'
import { detect } from '../../lib/kernel/run-probe.js'
import type { Kernel } from '../../lib/kernel/kernel.js'
import { isDefault, linkNamed } from '../../lib/plan/state.js'
import { sentenceOf, type ProbeRequest } from '../../lib/probe/detect.js'
import type { CoordinatorContext } from './context.js'

/**
 * About 200 ms, and up to 500 where a gateway does not answer. Throws OwnError 108 naming the MAC that has an address of the NIC, 109 naming a
 * gateway that does not answer; the NIC is then as it was.
 */
export function checkConflicts(context: CoordinatorContext, kernel: Kernel): void {
  const { ifName, pod } = context
  const asks = probeRequestsOf(context)
  if (asks.length === 0) return
  const wasDown = linkNamed(pod, ifName)?.up === false
  let isGood = false
  try {
    const findings = detect({ kernel, nic: ifName }, asks)
    const first = findings.find(({ kind }) => kind === 'conflict') ?? findings[0]
    isGood = first === undefined
    if (first === undefined) return
    const { code } = REFUSALS[first.kind === 'conflict' ? 'ipConflict' : 'gatewayUnreachable']
    const others = findings.filter(one => one !== first).map(one => sentenceOf(one, ifName))
    throw new OwnError(code, sentenceOf(first, ifName), others.join('; '))
  } finally {
    if (!isGood && wasDown) kernel.undo({ verb: 'setUp', where: 'pod', name: ifName, was: false })
  }
}

/** Each address, and once a family the gateway that the NIC's default route has, in whatever table. Pure. */
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
