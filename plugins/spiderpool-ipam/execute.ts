// A call of spiderpool-ipam: executed by the node agent where its socket answers, else here. Loads
// neither the plugin nor lib/ipam before that is known.
import type { CallToHand, HandedCall } from '../../lib/agent/hand-over.js'
import { outcomeOf, type Plugin, type PluginIo, type PluginOutcome } from '../../lib/cni/plugin.js'

const VERBS: readonly string[] = ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS']

/** Executes one call. Never throws. */
export async function execute(io: PluginIo): Promise<PluginOutcome> {
  const isVerb = VERBS.includes(io.env['CNI_COMMAND'] ?? '')
  const call = isVerb && io.plan === undefined ? callIn(io) : undefined
  if (call === undefined) return outcomeOf((await import('./main.js')).plugin, io)
  const { handOver, noteOf } = await import('../../lib/agent/hand-over.js')
  const handed = handOver('spiderpool-ipam', call)
  if (handed.kind === 'executed') return handed.reply
  const outcome = await outcomeOf(await pluginAfter(handed), io)
  return { ...outcome, stderr: `${noteOf(handed)}${outcome.stderr}` }
}

/** Undefined for a conf that is no JSON, which the plugin refuses. */
function callIn({ env, readStdin }: PluginIo): CallToHand | undefined {
  try {
    const stdin = readStdin()
    return { env, stdin, conf: JSON.parse(stdin) as unknown }
  } catch {
    return undefined
  }
}

async function pluginAfter(handed: Exclude<HandedCall, { readonly kind: 'executed' }>): Promise<Plugin<unknown>> {
  const { ipamPlugin, plugin } = await import('./main.js')
  if (handed.kind === 'go') return (await import('./through-go-agent.js')).throughGoAgent(plugin, handed.socket)
  return ipamPlugin(async (conf, call) =>
    (await import('../../lib/ipam/cni/without-agent.js')).connectWithout(handed)(conf, call),
  )
}
