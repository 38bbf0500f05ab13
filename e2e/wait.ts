// Waits for the expected state by polling kubectl.
import { apply, isReady, kubectl, list, within, type Obj, type Pod } from './kubectl.js'
import { app, type App } from './objects.js'

/** Ready pods of an application, when there are as many as that and no others. */
export async function ready(name: string, count: number, seconds = 60): Promise<readonly Pod[]> {
  return within(seconds, `${count} pods of ${name} are ready`, async () => {
    const pods = await list<Pod>(`pods -l app=${name}`)
    const good = pods.filter(isReady)
    if (good.length !== count || pods.length !== count) throw new Error(`${good.length} of ${pods.length} are`)
    return good
  })
}

export async function gone(name: string, seconds = 60): Promise<void> {
  await within(seconds, `the pods of ${name} are gone`, async () => {
    const pods = await list<Pod>(`pods -l app=${name}`)
    if (pods.length > 0) throw new Error(`${pods.length} are there`)
  })
}

export async function allocated(pool: string, count: number, seconds = 20): Promise<void> {
  await within(seconds, `pool ${pool} has ${count} allocated`, async () => {
    const found = await kubectl(`get sp ${pool} -o jsonpath={.status.allocatedIPCount}`)
    if (Number(found || '0') !== count) throw new Error(`it says ${found || 'nothing'}`)
  })
}

/** Applies an application and waits for its pods. */
export async function launch(of: App, seconds = 120): Promise<readonly Pod[]> {
  await apply(app(of))
  return ready(of.name, of.replicas, seconds)
}

/** Deletes the application and its pools, and waits until the pods are gone. */
export async function remove(name: string, ...pools: readonly string[]): Promise<void> {
  await kubectl(`delete deployment/${name} statefulset/${name} --ignore-not-found`)
  await gone(name, 120)
  if (pools.length > 0) await kubectl(`delete sp ${pools.join(' ')}`)
}

/** What the Events on the application's pods say, each once. */
export async function events(name: string): Promise<readonly string[]> {
  interface Event extends Obj {
    readonly message?: string
    readonly involvedObject: { readonly name: string }
  }
  const all = (await list<Event>('events')).filter(({ involvedObject }) => involvedObject.name.startsWith(`${name}-`))
  return [...new Set(all.map(({ message = '' }) => message))]
}

/**
 * Waits until an Event of one of the application's pods has all these words; returns its message.
 */
export const event = (name: string, ...words: readonly string[]): Promise<string> =>
  within(60, `an Event on a pod of ${name} says ${words.join(', ')}`, async () => {
    const said = await events(name)
    const found = said.find(message => words.every(word => message.includes(word)))
    if (found === undefined) throw new Error(`Events are: ${said.join(' | ')}`)
    return found
  })

export const addressesOf = (pods: readonly Pod[]): readonly string[] => pods.map(pod => pod.status.podIP ?? '').sort()
