// The node's own note of what an ADD is about to take: a file per attachment, one address object name a line. Survives kill -9, not a reboot.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import type { Journal } from './port.js'

/** tmpfs: after a reboot no ADD of before is half done, and reclaim collects what they left. */
export const JOURNAL_DIR = '/run/spidernet/spiderpool-ipam'

export interface Attachment {
  readonly containerID: string
  readonly nic: string
}

/** A network's own folder. Its name, a container ID and an interface name have no '/' in them (checked by the CNI shell). */
export const journalDir = (network: string): string => `${JOURNAL_DIR}/${network}`

export function journalAt(dir: string, { containerID, nic }: Attachment): Journal {
  const file = `${dir}/${containerID}_${nic}`
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

/** Whose notes lie here: calls that go on, or were killed. */
export function journalsIn(dir: string): readonly Attachment[] {
  try {
    return readdirSync(dir).flatMap(file => {
      const [, containerID, nic] = /^(.*)_([^_].*|_)$/.exec(file) ?? []
      return containerID === undefined || nic === undefined ? [] : [{ containerID, nic }]
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
