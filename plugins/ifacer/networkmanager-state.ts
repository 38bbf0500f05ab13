// Reads what NetworkManager writes down of links in /run: no D-Bus, no process. Where it is not installed, one look for a folder.
import { existsSync, readFileSync } from 'node:fs'
import type { Place } from '../../lib/plan/seen.js'
import type { Config } from './config.js'
import { isManaged, oursIn, warningOf } from './networkmanager.js'

const FOLDER = '/run/NetworkManager/devices'

/** What to warn of; undefined also where it cannot be read: a warning is never a reason to fail. `node` has the links of the conf. */
export function networkManagerWarning(config: Config, node: Place, folder = FOLDER): string | undefined {
  if (!existsSync(folder)) return undefined
  const managed = oursIn(config, node).filter(({ index }) => isManaged(stateOf(`${folder}/${index}`)))
  return warningOf(managed.map(({ name }) => name))
}

function stateOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return '' // gone with its link, or never written
  }
}
