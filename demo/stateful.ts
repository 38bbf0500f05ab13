// A StatefulSet's pod moves to the other node with its addresses; a scale-down releases them.
import { pathOf, type Api, type KubeObject } from './api.js'
import { sandboxes } from './cluster.js'
import { add, del, type Attachment } from './multus.js'
import { STATEFUL } from './objects.js'
import { say, show } from './say.js'

const POD = '/api/v1/namespaces/default/pods/web-0'
const SET = '/apis/apps/v1/namespaces/default/statefulsets/web'

/** Its pod on a node: created as the StatefulSet controller does, with what ADD makes. */
async function start(
  api: Api,
  set: KubeObject,
  { node, netnsName }: { readonly node: string; readonly netnsName: string },
) {
  const pod = await api.create('pods', STATEFUL.pod(set, node))
  const [attachment] = await sandboxes([pod], [netnsName])
  if (attachment === undefined) throw new Error(`${netnsName} was not made`)
  const { ips } = await add(api, attachment)
  return { attachment, addresses: (ips.get('eth0') ?? []).join(' ') }
}

async function end(api: Api, attachment: Attachment): Promise<void> {
  await api.remove(POD)
  await del(api, attachment)
}

/** `released` looks whether the addresses are back. */
export async function keepsItsAddress(
  api: Api,
  nodes: readonly [string, string],
  released: () => Promise<void>,
): Promise<void> {
  say('a StatefulSet’s pod is deleted and comes back on the other node: it keeps its addresses')
  const set = await api.create('statefulsets', STATEFUL.set)
  const before = await start(api, set, { node: nodes[0], netnsName: 'pod-4' })
  show(`web-0 on ${nodes[0]}: ${before.addresses}`)
  await end(api, before.attachment)
  const after = await start(api, set, { node: nodes[1], netnsName: 'pod-5' })
  show(`web-0 on ${nodes[1]}: ${after.addresses}`)
  if (after.addresses !== before.addresses) throw new Error('web-0 came back with other addresses')

  say('the set is scaled to 0: its addresses are released')
  const now = await api.read(SET)
  await api.replace(`${pathOf('statefulsets', now)}/web`, { ...now, spec: { ...STATEFUL.set.spec, replicas: 0 } })
  await end(api, after.attachment)
  await released()
}
