// Journal of an ADD on its node: a file per attachment, one address object name a line. Survives
// kill -9 but not a reboot.
import { appendFileSync, mkdirSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { codeOf } from '../../errors.js'
import type { Journal } from './store.js'

/** tmpfs: after a reboot address GC reclaims what incomplete ADDs left. */
export const JOURNAL_DIR = '/run/spidernet/spiderpool-ipam'

export interface JournalKey {
  readonly network: string
  readonly containerID: string
  readonly nic: string
}

/** The journal of an attachment. lib/cni has checked that no part of the key has a ':' or '/'. */
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

/** Attachments with a journal: of running calls and of killed ones. */
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

/** With /run full pods still start; an ADD that is killed then leaves its address to address GC. */
const isFull = (error: unknown): boolean => ['ENOSPC', 'EROFS', 'EDQUOT'].includes(codeOf(error))
