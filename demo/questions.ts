// A pod that gets no address, and the questions of its administrator to spiderpoolctl.
import type { Api } from './api.js'
import { SPIDERPOOL, sandboxes } from './cluster.js'
import { BIN, KUBECONFIG, run } from './external-host.js'
import { add, del } from './multus.js'
import { STUCK } from './objects.js'
import { say, show } from './say.js'

/** What spiderpoolctl prints, below the command; its status is the answer. */
async function ask(line: string, expected: number): Promise<string> {
  const { status, stdout, stderr } = await run(`${BIN}/spiderpoolctl`, line.split(' '), { env: { KUBECONFIG } })
  if (status !== expected) throw new Error(`spiderpoolctl ${line}: status ${status}, not ${expected}: ${stderr}`)
  show(`$ spiderpoolctl ${line}\n${stdout.trimEnd()}\n`)
  return stdout
}

/** `address`: of a pod that runs; `pool`: the one that has it. */
export async function explains(
  api: Api,
  { address, pool, node }: { readonly address: string; readonly pool: string; readonly node: string },
): Promise<void> {
  say('who has an address, and how full is its pool? spiderpoolctl knows')
  if (!(await ask(`who ${address}`, 0)).includes('test-app-')) throw new Error(`${address} should be of test-app`)
  await ask(`pool show ${pool}`, 0)

  say('a pod names a pool that is for other pods: its ADD fails, and trace says which rule drops the pool')
  await api.create('spiderippools', STUCK.pool)
  const pod = await api.create('pods', STUCK.pod(node))
  const [attachment] = await sandboxes([pod], ['pod-6'])
  if (attachment === undefined) throw new Error('pod-6 was not made')
  const refusal = await add(api, attachment).then(
    () => undefined,
    (error: unknown) => String(error),
  )
  if (refusal === undefined) throw new Error('the ADD of a pod without a pool should fail')
  show(`Multus: ${refusal}`)
  if (!(await ask(`trace pod default/${pod.metadata.name ?? ''}`, 1)).includes('spec.podAffinity'))
    throw new Error('trace should name spec.podAffinity')
  await del(api, attachment)
  await api.remove(`/api/v1/namespaces/default/pods/${pod.metadata.name ?? ''}`)
  await api.remove(`${SPIDERPOOL}/spiderippools/${STUCK.pool.metadata.name}`)
}
