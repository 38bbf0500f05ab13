// Delegation to an IPAM executable in CNI_PATH (CNI spec, section 4): same environment and stdin,
// errors are relayed.
import { statSync, writeSync } from 'node:fs'
import { codeOf, messageOf } from '../errors.js'
import { CNI_ERROR, CniError, RelayedError } from './error.js'
import { ConfReader } from './json.js'
import type { Call } from './plugin.js'
import { decodeResult, type Result } from './result.js'
import type { SpawnResult, Spawn } from './exec.js'

export type CniVerb = 'ADD' | 'DEL' | 'CHECK' | 'STATUS' | 'GC'

const isFile = (path: string): boolean => {
  try {
    return statSync(path).isFile()
  } catch {
    return false // missing or not accessible: the next folder may have it
  }
}

/** The first regular file `<folder>/<type>`. @throws CniError with the sentences of libcni */
export function findPlugin(type: string, path: readonly string[]): string {
  if (type === '') throw new CniError('invalidConfig', 'no plugin name provided')
  if (type.includes('/')) throw new CniError('invalidConfig', `invalid plugin name: ${type}`)
  if (path.length === 0) throw new CniError('invalidEnv', 'no paths provided')
  const found = path.map(folder => `${folder}/${type}`).find(isFile)
  if (found === undefined) throw new CniError('internal', `failed to find plugin "${type}" in path [${path.join(' ')}]`)
  return found
}

const TRIES_MAX = 6
const PAUSE_MS = 1000

const pauseSync = (ms: number): void => void Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)

/** Retries ETXTBSY, the executable being replaced, TRIES_MAX times. */
function start(file: string, options: Parameters<Spawn>[1], spawn: Spawn, pause: (ms: number) => void): SpawnResult {
  for (let tries = 1; ; tries++) {
    try {
      return spawn(file, options)
    } catch (error) {
      const code = codeOf(error)
      if (code !== 'ETXTBSY' || tries >= TRIES_MAX)
        throw new CniError(
          'internal',
          `netplugin failed with no error message: fork/exec ${file}: ${code || String(error)}`,
          '',
          { cause: error },
        )
      pause(PAUSE_MS)
    }
  }
}

export interface DelegateDeps {
  readonly spawn: Spawn
  readonly pause: (ms: number) => void
}

const defaultDeps = async (): Promise<DelegateDeps> => ({ spawn: (await import('./exec.js')).spawn, pause: pauseSync })

/**
 * Executes the plugin `type` with our environment, CNI_COMMAND replaced by `verb`, and the whole
 * conf. Returns its result for ADD.
 * @throws CniError, RelayedError with the delegate's own code
 */
export async function delegate(
  verb: CniVerb,
  type: string,
  call: Call<unknown>,
  using?: DelegateDeps,
): Promise<Result | undefined> {
  if (call.command !== verb && verb !== 'DEL')
    throw new CniError('internal', `CNI_COMMAND is ${call.command}, so IPAM ${type} cannot be asked to ${verb}`)
  const { spawn, pause } = using ?? (await defaultDeps())
  const file = findPlugin(type, call.path)
  const env = Object.entries(call.env).flatMap(([key, value]) => (value === undefined ? [] : [[key, value] as const]))
  const ran = start(file, { env: { ...Object.fromEntries(env), CNI_COMMAND: verb }, stdin: call.stdin }, spawn, pause)
  if (ran.stderr !== '') writeSync(2, ran.stderr)
  if (ran.exitCode !== 0 || ran.signal !== undefined) throw delegateError(ran)
  return verb === 'ADD' ? resultIn(ran.stdout, type, call.cniVersion) : undefined
}

/** @throws Error if the text is not a JSON object */
function objectIn(text: string): ConfReader {
  const value: unknown = JSON.parse(text)
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return new ConfReader(value, '')
  throw new Error('it is not an object')
}

function delegateError({ exitCode, signal, stdout, stderr }: SpawnResult): CniError {
  const how = signal === undefined ? `exit status ${exitCode}` : `signal: ${signal}`
  if (stdout.trim() === '')
    return new CniError(
      'internal',
      stderr === ''
        ? `netplugin failed with no error message: ${how}`
        : `netplugin failed: ${JSON.stringify(stderr.trim())}: ${how}`,
    )
  try {
    const fields = objectIn(stdout)
    const message = fields.string('msg') || `netplugin failed with no error message: ${how}`
    return new RelayedError(fields.integer('code') || CNI_ERROR.internal, message, fields.string('details') ?? '')
  } catch (error) {
    return new CniError(
      'internal',
      `netplugin failed but error parsing its diagnostic message ${JSON.stringify(stdout)}: ${messageOf(error)}`,
    )
  }
}

const SHOWN_MAX = 80

function resultIn(stdout: string, type: string, cniVersion: string): Result {
  let fields: ConfReader
  try {
    fields = objectIn(stdout)
  } catch (error) {
    const start = JSON.stringify(stdout.slice(0, SHOWN_MAX))
    throw new CniError('decodeFailure', `IPAM ${type} answered what is no JSON object: ${start}`, '', { cause: error })
  }
  return decodeResult(fields.raw, cniVersion)
}
