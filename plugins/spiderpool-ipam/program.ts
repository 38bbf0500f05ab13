// The executable spiderpool-ipam, which is bundled by itself (scripts/build.ts).
import { run } from '../../lib/cni/plugin.js'
import { execute } from './execute.js'

/** Executes the call of this process. */
export const main = (argv: readonly string[]): Promise<void> => run(execute, argv)
