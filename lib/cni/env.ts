// The environment of a call: the variables that each verb requires and their syntax (CNI spec,
// "Parameters"). Pure.
import { CniError } from './error.js'

export type CniEnv = Readonly<Record<string, string | undefined>>

type Verb = 'ADD' | 'DEL' | 'CHECK' | 'GC' | 'STATUS'

interface Variable {
  readonly name: string
  readonly requiredFor: readonly Verb[]
  readonly check?: (value: string) => void
}

const ID = /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/

const VARIABLES: readonly Variable[] = [
  { name: 'CNI_COMMAND', requiredFor: ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS'] },
  { name: 'CNI_CONTAINERID', requiredFor: ['ADD', 'DEL', 'CHECK'], check: containerId },
  { name: 'CNI_NETNS', requiredFor: ['ADD', 'CHECK'] },
  { name: 'CNI_IFNAME', requiredFor: ['ADD', 'DEL', 'CHECK'], check: interfaceName },
  { name: 'CNI_ARGS', requiredFor: [] },
  { name: 'CNI_PATH', requiredFor: ['ADD', 'DEL', 'CHECK', 'GC', 'STATUS'] },
]

function containerId(value: string): void {
  if (!ID.test(value)) throw new CniError('invalidEnv', 'invalid characters in containerID', value)
}

const IFNAMSIZ = 16

function interfaceName(value: string): void {
  if (Buffer.byteLength(value) >= IFNAMSIZ)
    throw new CniError('invalidEnv', 'interface name is too long', 'interface name should be less than 16 characters')
  if (value === '.' || value === '..') throw new CniError('invalidEnv', 'interface name is . or ..')
  if (/[/:\p{White_Space}]/u.test(value))
    throw new CniError('invalidEnv', 'interface name contains / or : or whitespace characters')
}

/**
 * Checks the variables that the verb requires; an unknown verb requires CNI_COMMAND only.
 * @throws CniError 4 for the first invalid one, else one that lists all missing ones
 */
export function checkEnv(env: CniEnv): void {
  const command = env['CNI_COMMAND'] ?? ''
  const missing: string[] = []
  for (const { name, requiredFor, check } of VARIABLES) {
    const value = env[name] ?? ''
    const isRequired = name === 'CNI_COMMAND' || requiredFor.some(verb => verb === command)
    if (isRequired && value === '') missing.push(name)
    else if (isRequired) check?.(value)
  }
  if (missing.length > 0) throw new CniError('invalidEnv', `required env variables [${missing.join(',')}] missing`)
}

/** Checks the `name` of the conf. @throws CniError 7 */
export function checkNetworkName(name: string): void {
  if (name === '') throw new CniError('invalidConfig', 'missing network name')
  if (!ID.test(name)) throw new CniError('invalidConfig', 'invalid characters found in network name', name)
}
