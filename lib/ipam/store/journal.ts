// The node's own note of what an ADD is about to take: a file per attachment, one address object name a line. Survives kill -9, not a reboot.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { Journal } from './store.js'

/** tmpfs: after a reboot no ADD of before is half done, and reclaim collects what they left. */
export const JOURNAL_DIR = '/run/spidernet/spiderpool-ipam'

export interface JournalKey {
  readonly network: string
  readonly containerID: string
  readonly nic: string
}

/** None of the three has a ':' or '/' in it: the CNI shell checks them. */
export function journalAt(dir: string, { network, containerID, nic }: JournalKey): Journal {
  const file = `${dir}/${network}:${containerID}:${nic}`
  return {
    note(addressName) {
      try {
        append(dir, file, `${addressName}\n`)
      } catch (error) {
        if (!isFull(error)) throw error
      }
    },
    read() {
      try {
        return readFileSync(file, 'utf8').split('\n').filter(Boolean)
      } catch (error) {
        if (codeOf(error) === 'ENOENT') return []
        throw error
      }
    },
    close() {
      rmSync(file, { force: true })
    },
  }
}

/** Whose notes lie here: of calls that go on, or were killed. */
export function journalsIn(dir: string): readonly JournalKey[] {
  try {
    return readdirSync(dir).flatMap(file => {
      const [network, containerID, nic] = file.split(':')
      return network === undefined || containerID === undefined || nic === undefined
        ? []
        : [{ network, containerID, nic }]
    })
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return []
    throw error
  }
}

function append(dir: string, file: string, line: string): void {
  try {
    appendFileSync(file, line)
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error
    mkdirSync(dir, { recursive: true, mode: 0o700 })
    appendFileSync(file, line)
  }
}

const codeOf = (error: unknown): unknown => (error instanceof Error && 'code' in error ? error.code : undefined)

/** A node without room in /run still starts pods; only a kill in this very moment would then leave its address to reclaim. */
const isFull = (error: unknown): boolean => ['ENOSPC', 'EROFS', 'EDQUOT'].includes(String(codeOf(error)))
