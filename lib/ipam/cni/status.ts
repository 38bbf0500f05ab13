// STATUS of the IPAM: is the API server reachable, and is there a usable pool? Runtimes call it
// every few seconds on every node.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { CniError } from '../../cni/error.js'
import { messageOf } from '../../errors.js'
import type { Call } from '../../cni/plugin.js'
import type { SpiderIPPool } from '../../crd/types.js'
import type { Family } from '../../ip/address.js'
import { ipamConf, type IpamConf } from './conf.js'
import { isPattern, patternOf } from '../pools/glob.js'
import { familyOfPool } from '../../crd/family.js'
import type { Store } from '../store/store.js'
import { Refused } from '../errors.js'
import { connectStore, type Connect } from './connect.js'
import { logFor } from './session.js'

/**
 * Never returns 51, since running pods keep their addresses. A full pool is no error either: the
 * runtime would stop starting pods of other pools too, while ADD reports it with code 11.
 * @throws CniError 50 where no ADD could succeed
 */
export async function ipamStatus(
  call: Pick<Call<unknown>, 'command' | 'config' | 'env' | 'name'>,
  connect: Connect = connectStore,
): Promise<void> {
  const conf = ipamConf(call.config)
  logFor(call, conf)
  try {
    const { store, retryOf } = await connect(conf, call)
    const first = await whyNoPool(conf, call.name, store)
    if (first === undefined) return
    const second = retryOf?.(new Refused('noPool', first))
    const why = second ? await whyNoPool(conf, call.name, second) : first
    if (why !== undefined) throw new Refused('noPool', why)
  } catch (error) {
    throw new CniError('notAvailable', `no address can be allocated: ${messageOf(error)}`)
  }
}

function whyNoPool(conf: IpamConf, network: string, store: Store): Promise<string | undefined> {
  const { switches } = conf
  const named = ([4, 6] as const)
    .filter(family => switches[`ipv${family}`])
    .map(family => ({ family, names: conf[`ipv${family}`] }))
    .filter(({ names }) => names.length > 0)
  return named.length === 0 ? whyNone(switches, store) : whyNoneNamed(named, network, store)
}

interface Named {
  readonly family: Family
  readonly names: readonly string[]
}

/**
 * Pods may name any pool; an ADD without an annotation needs every pool of the conf to exist and
 * one of each family to be usable.
 */
async function whyNoneNamed(named: readonly Named[], network: string, store: Store): Promise<string | undefined> {
  const names = named.flatMap(one => one.names)
  const all = names.some(isPattern)
    ? await store.pools()
    : (await Promise.all([...new Set(names)].map(name => store.pool(name, 'cached')))).filter(
        pool => pool !== undefined,
      )
  for (const { family, names } of named) {
    const key = `default_ipv${family}_ippool of CNI conf "${network}"`
    const found = names.map(name => ({ name, pools: all.filter(({ metadata }) => isNamed(name, metadata.name)) }))
    const missing = found.find(({ name, pools }) => !isPattern(name) && pools.length === 0)
    if (missing) return `${key} names SpiderIPPool "${missing.name}", which does not exist; create it or name another`
    const reasons = found.flatMap(({ pools }) => pools).map(pool => whyNot(pool, [family]))
    if (!reasons.includes(undefined)) return `${key} (${names.join(', ')}) selects no usable pool: ${listed(reasons)}`
  }
  return undefined
}

const isNamed = (nameOrPattern: string, name: string): boolean =>
  isPattern(nameOrPattern) ? patternOf(nameOrPattern).test(name) : nameOrPattern === name

/**
 * One usable pool is enough, since pods may name any. The pool of the last STATUS is read first.
 */
async function whyNone({ ipv4, ipv6 }: IpamConf['switches'], store: Store): Promise<string | undefined> {
  const families: readonly Family[] = [...(ipv4 ? [4 as const] : []), ...(ipv6 ? [6 as const] : [])]
  const last = remembered()
  const lastPool = last === undefined ? undefined : await store.pool(last, 'cached')
  if (lastPool && whyNot(lastPool, families) === undefined) return undefined
  const pools = await store.pools()
  if (pools.length === 0) return 'there is no SpiderIPPool; create one'
  const good = pools.find(pool => whyNot(pool, families) === undefined)
  if (good) return void remember(good.metadata.name)
  return `no SpiderIPPool is usable: ${listed(pools.map(pool => whyNot(pool, families)))}`
}

/** Why a pool is not usable; undefined for a usable one, even if it is full. */
function whyNot(pool: SpiderIPPool, families: readonly Family[]): string | undefined {
  const { metadata, spec } = pool
  const family = familyOfPool(pool)
  if (metadata.deletionTimestamp !== undefined) return `${metadata.name} is being deleted`
  if (spec.disable === true) return `${metadata.name} is disabled (spec.disable)`
  if ((spec.ips ?? []).length === 0) return `${metadata.name} has no addresses (spec.ips)`
  if (family !== undefined && families.includes(family)) return undefined
  return `${metadata.name} is not of ${families.map(one => `IPv${one}`).join(' or ') || 'an enabled family'}`
}

const LISTED_MAX = 5

const listed = (reasons: readonly (string | undefined)[]): string => {
  const all = reasons.filter(reason => reason !== undefined)
  const more = all.length > LISTED_MAX ? [`and ${all.length - LISTED_MAX} more`] : []
  return [...all.slice(0, LISTED_MAX), ...more].join('; ') || 'there is none'
}

/** tmpfs; holds a pool's name, which is verified by reading the pool. */
const MEMORY_DIR = '/run/spidernet/spiderpool-status'
const MEMORY = `${MEMORY_DIR}/pool`

function remembered(): string | undefined {
  try {
    const name = readFileSync(MEMORY, 'utf8')
    return /^[a-z0-9][a-z0-9.-]{0,252}$/.test(name) ? name : undefined
  } catch {
    return undefined // the first STATUS since the node booted
  }
}

function remember(name: string): void {
  try {
    mkdirSync(MEMORY_DIR, { recursive: true, mode: 0o700 })
    writeFileSync(MEMORY, name, { mode: 0o600 })
  } catch {
    return // a full or read-only /run: all pools are listed each time
  }
}
