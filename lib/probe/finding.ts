// Findings of address probes and their messages. Pure.
import type { Ip } from '../ip/address.js'
import type { Mac } from '../ip/mac.js'

export type ProbeFinding =
  | {
      readonly kind: 'conflict'
      readonly ip: Ip
      readonly mac: Mac
      /** The interface of this node that has it; undefined where another host answered. */
      readonly link?: string
    }
  | { readonly kind: 'unreachable'; readonly ip: Ip; readonly gateway: Ip }

/** The message of a finding; users' tools match it. */
export function sentenceOf(finding: ProbeFinding, nic: string): string {
  switch (finding.kind) {
    case 'conflict':
      return `ip conflict: pod's interface ${nic} with an conflicting ip ${finding.ip}, ${finding.ip} is located at ${finding.mac}`
    case 'unreachable':
      return `gateway ${finding.gateway} is unreachable`
  }
}

/** The remedy, or '' if the message is enough. */
export const remedyOf = (finding: ProbeFinding): string =>
  finding.kind === 'conflict' && finding.link !== undefined
    ? `${finding.ip} is an address of interface ${finding.link} of this node: take it out of the pool (spec.excludeIPs or a SpiderReservedIP)`
    : ''
