// The IPAM's calls that the node agent executes.
import { writeSync } from 'node:fs'
import type { CallToHand, ExecutedCall, HandedCall } from '../../lib/agent/hand-over.js'
import { CNI_ERROR, CniError, RelayedError } from '../../lib/cni/error.js'
import type { CallHost } from '../../lib/cni/host.js'
import { ConfReader } from '../../lib/cni/json.js'
import type { Call } from '../../lib/cni/plugin.js'
import { decodeResult, type Result } from '../../lib/cni/result.js'
import type { MacvlanConf } from './config.js'

const IPAM = 'spiderpool-ipam'
/** The IPAM's oldest version is 0.3.0; a result of this one is decoded for an older conf. */
const NEWEST = '1.1.0'
const OLDER: readonly string[] = ['0.1.0', '0.2.0']

const loadAgent = () => import('../../lib/agent/hand-over.js')

/**
 * Hands the call over as one of the IPAM plugin. What the agent wrote to stderr is relayed.
 */
export async function handedOf(call: Call<MacvlanConf>): Promise<HandedCall> {
  const { handOver, handOverWithin, noteOf } = await loadAgent()
  if (call.host) return withinOrThrow(await handOverWithin(IPAM, handedCallOf(call), call.host), call.host)
  const handed = handOver(IPAM, handedCallOf(call))
  const note = handed.kind === 'executed' ? handed.reply.stderr : noteOf(handed)
  if (note !== '') writeSync(2, note)
  return handed
}

/** The agent has no other way than itself. @throws CniError 11 */
function withinOrThrow(handed: HandedCall, { warn }: CallHost): HandedCall {
  if (handed.kind !== 'executed')
    throw new CniError('tryAgain', `spiderpool-agent ${handed.kind === 'none' ? handed.why : 'runs no IPAM'}`)
  if (handed.reply.stderr !== '') warn(handed.reply.stderr)
  return handed
}

/** MAC is an argument of this plugin, and none of the IPAM's. */
function handedCallOf({ env, stdin, cniVersion, config: { raw } }: Call<MacvlanConf>): CallToHand {
  const args = (env['CNI_ARGS'] ?? '').split(';').filter(pair => !pair.startsWith('MAC='))
  const own = { ...env, CNI_ARGS: args.join(';') }
  if (!OLDER.includes(cniVersion)) return { env: own, stdin, conf: raw }
  const keys = Object.entries(raw).filter(([key]) => key.toLowerCase() !== 'cniversion')
  const conf = { ...Object.fromEntries(keys), cniVersion: NEWEST }
  return { env: own, stdin: JSON.stringify(conf), conf }
}

/** What the agent printed. @throws RelayedError with the agent's own code */
export function outputOf({ reply: { exitCode, stdout } }: ExecutedCall): string {
  if (exitCode === 0) return stdout
  const fields = new ConfReader(JSON.parse(stdout) as object, '')
  throw new RelayedError(
    fields.integer('code') || CNI_ERROR.internal,
    fields.string('msg') ?? '',
    fields.string('details') ?? '',
  )
}

export interface IpamLease {
  readonly result: Result
  /** Releases what this ADD allocated. */
  undo(): Promise<void>
}

/** The result of an ADD. @throws CniError with the agent's code, or 6 */
export const leaseOf = (handed: ExecutedCall, { cniVersion, host }: Call<MacvlanConf>): IpamLease => ({
  result: decodeResult(JSON.parse(outputOf(handed)) as object, OLDER.includes(cniVersion) ? NEWEST : cniVersion),
  undo: async () => {
    const { undo, undoWithin } = await loadAgent()
    await (host ? undoWithin(IPAM, handed, host) : undo(IPAM, handed))
  },
})
