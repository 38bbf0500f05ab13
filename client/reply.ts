// The agent's reply to a call: what is relayed, and what is refused. Pure.
import type { CniCallReply } from '../lib/agent/protocol.js'
import type { CniEnv } from '../lib/cni/env.js'

export type Reply = Pick<CniCallReply, 'exitCode' | 'stdout' | 'stderr'>

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const SHOWN_MAX = 200

const shownText = (text: string): string =>
  JSON.stringify(text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text)

/**
 * The reply in the body; undefined where the agent leaves the call to the full image and has done
 * nothing; else why it is none, as the predicate of a sentence about the agent.
 */
export function replyIn(
  body: string,
  { plugin, env }: { readonly plugin: string; readonly env: CniEnv },
): Reply | undefined | string {
  let reply: unknown
  try {
    reply = JSON.parse(body)
  } catch {
    return `answered what is no JSON: ${shownText(body.trim())}`
  }
  if (isObject(reply) && typeof reply['execFullImage'] === 'string') return undefined
  if (!isReply(reply)) return `answered what is no reply to a CNI call: ${shownText(body.trim())}`
  const { containerID, ifName, exitCode, stdout } = reply
  const [ownID = '', ownIfName = ''] = [env['CNI_CONTAINERID'], env['CNI_IFNAME']]
  if ((containerID ?? ownID) !== ownID || (ifName ?? ownIfName) !== ownIfName)
    return `answered for container ${containerID}, interface ${ifName}, and not for ${ownID}, ${ownIfName}`
  const command = env['CNI_COMMAND'] ?? ''
  return isOutput(stdout, { isIpamAdd: plugin === 'spiderpool-ipam' && command === 'ADD', command, exitCode })
    ? reply
    : `answered what is no result of CNI ${command}: ${shownText(stdout)}`
}

function isReply(value: unknown): value is CniCallReply {
  if (!isObject(value)) return false
  const { exitCode, stdout, stderr, containerID = '', ifName = '' } = value
  return (
    (exitCode === 0 || exitCode === 1) && [stdout, stderr, containerID, ifName].every(text => typeof text === 'string')
  )
}

/** An ADD prints a result, the IPAM's with addresses; a failure an error with its code. */
function isOutput(
  stdout: string,
  { isIpamAdd, command, exitCode }: { readonly isIpamAdd: boolean; readonly command: string; readonly exitCode: 0 | 1 },
): boolean {
  if (exitCode === 0 && command !== 'ADD') return true
  try {
    const output: unknown = JSON.parse(stdout)
    if (!isObject(output)) return false
    if (exitCode === 1) return typeof output['code'] === 'number'
    return !isIpamAdd || Array.isArray(output['ips'])
  } catch {
    return false
  }
}
