// Executes a conflist as libcni does: each plugin gets the prevResult; the result is kept for CHECK
// and DEL. CNI spec 1.1, sections 2 and 3. The caller passes how an executable is run and where
// results are kept.

export type Verb = 'ADD' | 'CHECK' | 'DEL'

export interface Conflist {
  readonly cniVersion: string
  readonly name: string
  readonly disableCheck?: boolean
  readonly plugins: readonly Plugin[]
}

interface Plugin {
  readonly type: string
  readonly capabilities?: Readonly<Record<string, boolean>>
}

/** What the container runtime says of an attachment. */
export interface Runtime {
  readonly containerID: string
  readonly netns: string
  readonly ifName: string
  /** CNI_ARGS. */
  readonly args: Readonly<Record<string, string>>
  /** What plugins that name a capability are given of it, as runtimeConfig. */
  readonly capabilityArgs: Readonly<Record<string, unknown>>
}

export type Result = { readonly cniVersion?: string } & Readonly<Record<string, unknown>>

export interface LibcniDeps {
  /**
   * Runs the executable of that type. Returns its result, `{}` for an empty stdout. @throws its
   * error.
   */
  call(type: string, env: Readonly<Record<string, string>>, conf: object): Promise<Result>
  readonly cache: Cache
}

/** By network, container and interface. */
export interface Cache {
  read(key: string): Result | undefined
  write(key: string, result: Result): void
  remove(key: string): void
}

/**
 * Parses the conflist or single conf of a NetworkAttachmentDefinition. @throws a sentence for
 * anything else.
 */
export function conflistOf(config: string, nameOfObject: string): Conflist {
  const read = JSON.parse(config) as Partial<Conflist> & Partial<Plugin>
  const { cniVersion = '0.1.0', name = nameOfObject } = read
  if (read.plugins && read.plugins.length > 0) return { ...read, cniVersion, name, plugins: read.plugins }
  if (read.type === undefined) throw new Error(`the conf of ${nameOfObject} has neither plugins nor a type`)
  return { cniVersion, name, plugins: [{ ...read, type: read.type }] }
}

const keyOf = ({ name }: Conflist, { containerID, ifName }: Runtime): string => `${name}-${containerID}-${ifName}`

/**
 * Section 3, "deriving plugin configuration": name and version of the list, runtimeConfig,
 * prevResult.
 */
function confOf(list: Conflist, plugin: Plugin, runtime: Runtime, prevResult: Result | undefined): object {
  const { capabilities, ...own } = plugin
  const wanted = Object.entries(capabilities ?? {}).flatMap(([key, is]) =>
    is && key in runtime.capabilityArgs ? [key] : [],
  )
  const runtimeConfig = Object.fromEntries(wanted.map(key => [key, runtime.capabilityArgs[key]]))
  return {
    ...own,
    cniVersion: list.cniVersion,
    name: list.name,
    ...(wanted.length > 0 && { runtimeConfig }),
    ...(prevResult && { prevResult }),
  }
}

const envOf = (verb: Verb, { containerID, netns, ifName, args }: Runtime): Readonly<Record<string, string>> => ({
  CNI_COMMAND: verb,
  CNI_CONTAINERID: containerID,
  CNI_NETNS: netns,
  CNI_IFNAME: ifName,
  CNI_ARGS: Object.entries(args)
    .map(([key, value]) => `${key}=${value}`)
    .join(';'),
})

/** The last plugin's answer, which is the network's. */
export async function add(list: Conflist, runtime: Runtime, { call, cache }: LibcniDeps): Promise<Result> {
  let result: Result | undefined
  for (const plugin of list.plugins)
    result = await call(plugin.type, envOf('ADD', runtime), confOf(list, plugin, runtime, result))
  const made = result ?? {}
  cache.write(keyOf(list, runtime), made)
  return made
}

/**
 * Every plugin gets the network's result. A network without a result, or a version older than the
 * verb, is an error.
 */
export async function check(list: Conflist, runtime: Runtime, { call, cache }: LibcniDeps): Promise<void> {
  if (/^0\.[0-3]\./.test(list.cniVersion))
    throw new Error(`${list.name} has cniVersion ${list.cniVersion}, and CHECK came with 0.4.0`)
  if (list.disableCheck === true) return
  const result = cache.read(keyOf(list, runtime))
  if (!result) throw new Error(`${list.name} was never added to ${runtime.containerID}`)
  for (const plugin of list.plugins)
    await call(plugin.type, envOf('CHECK', runtime), confOf(list, plugin, runtime, result))
}

/** The last plugin first; also without a kept result of ADD. */
export async function del(list: Conflist, runtime: Runtime, { call, cache }: LibcniDeps): Promise<void> {
  const result = cache.read(keyOf(list, runtime))
  for (const plugin of list.plugins.toReversed())
    await call(plugin.type, envOf('DEL', runtime), confOf(list, plugin, runtime, result))
  cache.remove(keyOf(list, runtime))
}
