// The drop-in by which NetworkManager leaves the links of pods alone.
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { replaceFile, textIfAny } from '../../install/executables.js'

const FILE = 'spidernet.conf'
/** First line of a file that may be replaced and removed. */
const MARK = '# Written by spiderpool-agent (spiderpoolAgent.installNetworkManagerConf).'
const TEXT = `${MARK}
[keyfile]
unmanaged-devices=interface-name:veth*
`
const MODE = 0o644

export const dropInOf = (folder: string): string => join(folder, FILE)

/** Whether the drop-in exists and is ours. */
export async function hasDropIn(folder: string): Promise<boolean> {
  return (await textIfAny(dropInOf(folder)))?.startsWith(MARK) ?? false
}

/**
 * Writes it where it is missing or an older one of ours. True where it was written; an
 * administrator's file of that name stays.
 */
export async function writeDropIn(folder: string): Promise<boolean> {
  const path = dropInOf(folder)
  const current = await textIfAny(path)
  if (current === TEXT || (current !== undefined && !current.startsWith(MARK))) return false
  await mkdir(folder, { recursive: true })
  await replaceFile(path, TEXT, `${path}.part`, MODE)
  return true
}
