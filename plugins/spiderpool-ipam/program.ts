// The executable spiderpool-ipam. Bundled by itself (scripts/build.ts): it shares no chunk with
// others.
import { run } from '../../lib/cni/plugin.js'
import { execute } from './execute.js'

/** Executes the call of this process. */
export const main = (argv: readonly string[]): Promise<void> => run(execute, argv)
