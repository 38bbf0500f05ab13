// What is wrong with an address, and the words that users search for. Pure; knows no frame.
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

/** The words that users search for. */
export function sentenceOf(finding: ProbeFinding, nic: string): string {
  switch (finding.kind) {
    case 'conflict':
      return `ip conflict: pod's interface ${nic} with an conflicting ip ${finding.ip}, ${finding.ip} is located at ${finding.mac}`
    case 'unreachable':
      return `gateway ${finding.gateway} is unreachable`
  }
}

/** What to do, where the sentence alone does not say it; '' elsewhere. */
export const remedyOf = (finding: ProbeFinding): string =>
  finding.kind === 'conflict' && finding.link !== undefined
    ? `${finding.ip} is an address of interface ${finding.link} of this node: take it out of the pool (spec.excludeIPs or a SpiderReservedIP)`
    : ''
