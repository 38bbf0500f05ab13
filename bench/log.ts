// The cost that the plugins logged: requests, bytes, conflicts. Reads the log of a stage.
import { readFileSync, rmSync } from 'node:fs'
import type { Stage } from './stage.js'

export interface Cost {
  readonly command: string
  readonly requests: number
  readonly sent: number
  readonly received: number
  readonly taken: number
}

export const logOf = (stage: Stage): string => `${stage.folder}/cost.log`

/** The lines since the last call. */
export function costs(stage: Stage): readonly Cost[] {
  const lines = readFileSync(logOf(stage), 'utf8').trim().split('\n')
  rmSync(logOf(stage))
  return lines.map(line => JSON.parse(line) as Cost).filter(({ requests }) => requests !== undefined)
}
