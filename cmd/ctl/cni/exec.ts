// Runs a CNI executable with an environment, arguments and stdin.
import { statSync } from 'node:fs'
import { join } from 'node:path'
import { messageOf } from '../../../lib/errors.js'
import { CtlError } from '../status.js'

export interface Ran {
  readonly exitCode: number
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string>>
  readonly stdin: string
}

/** The first file of this name in the folders of a CNI_PATH; undefined without one. */
export function findIn(path: string, type: string): string | undefined {
  if (type.includes('/')) return undefined
  return path
    .split(':')
    .filter(folder => folder !== '')
    .map(folder => join(folder, type))
    .find(file => statSync(file, { throwIfNoEntry: false })?.isFile() === true)
}

/**
 * Runs the file to its end, with nothing of our environment but PATH.
 * @throws CtlError `usage` where it cannot be executed
 */
export function exec(file: string, { args, env, stdin }: Running): Ran {
  try {
    const ran = Bun.spawnSync([file, ...args], {
      env: { ...inherited(), ...env },
      stdin: Buffer.from(stdin),
      stdout: 'pipe',
      stderr: 'pipe',
    })
    return { exitCode: ran.exitCode ?? 1, stdout: ran.stdout.toString(), stderr: ran.stderr.toString() }
  } catch (error) {
    throw new CtlError('usage', `${file} cannot be executed: ${messageOf(error)}`, { cause: error })
  }
}

/** What a runtime has in its environment: no variables of CNI. */
const inherited = (): Record<string, string | undefined> =>
  Object.fromEntries(Object.entries(Bun.env).filter(([key]) => !key.startsWith('CNI_')))
