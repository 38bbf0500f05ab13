// Sysctls of a namespace, written and written back. /proc/sys/net is that of the thread, so each write goes in and comes out.
import { readFileSync, writeFileSync } from 'node:fs'
import type { StepOf, Where } from '../../plan/step.js'
import type { Places } from '../places.js'
import type { Act } from './act.js'

const ROOT = '/proc/sys/'
/** Not in this kernel; or /proc/sys mounted read-only, as some runtimes have it. */
const UNWRITABLE = ['ENOENT', 'EROFS', 'EACCES']

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

function unless(codes: readonly string[], work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!codes.some(code => code === codeOf(error))) throw error
  }
}

const write = (places: Places, { where, path }: { where: Where; path: string }, value: string): void =>
  places.opener.inside(places.netnsOf(where), () => writeFileSync(ROOT + path, value))

export const setSysctl: Act<StepOf<'setSysctl'>> = {
  apply: (places, step) => unless(step.optional === true ? UNWRITABLE : [], () => write(places, step, step.value)),
  undo(places, step) {
    const { was } = step
    if (was !== undefined) unless(step.optional === true ? UNWRITABLE : ['ENOENT'], () => write(places, step, was))
  },
}

/** By path below /proc/sys; undefined where there is none. */
export const readSysctls = (
  places: Places,
  where: Where,
  paths: readonly string[],
): Readonly<Record<string, string | undefined>> =>
  places.opener.inside(places.netnsOf(where), () =>
    Object.fromEntries(paths.map((path): [string, string | undefined] => [path, readOrNone(path)])),
  )

function readOrNone(path: string): string | undefined {
  try {
    return readFileSync(ROOT + path, 'utf8').trim()
  } catch (error) {
    if (codeOf(error) === 'ENOENT' || codeOf(error) === 'EACCES') return undefined
    throw error
  }
}
