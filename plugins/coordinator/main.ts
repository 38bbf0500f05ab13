// coordinator: answers VERSION and STATUS in this release and refuses ADD; what it will do is written in ARCHITECTURE.md. Leaves nothing, so DEL succeeds.
import { CniError } from '../../lib/cni/error.js'
import type { Plugin } from '../../lib/cni/plugin.js'

const refused = (code: 'notAvailable' | 'unsupportedField'): never => {
  throw new CniError(
    code,
    'type "coordinator" is not part of this release; take it out of the plugins of the network configuration',
  )
}

export const plugin: Plugin<unknown> = {
  name: 'coordinator',
  about: 'Coordinator',
  versions: ['0.1.0', '0.2.0', '0.3.0', '0.3.1', '0.4.0', '1.0.0', '1.1.0'],
  argKeys: [],
  accepts: raw => raw,
  add: () => refused('unsupportedField'),
  check: () => refused('unsupportedField'),
  del: () => undefined,
  status: () => refused('notAvailable'),
}
