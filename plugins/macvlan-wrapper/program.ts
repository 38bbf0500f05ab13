// The executable macvlan-wrapper, which is bundled by itself (scripts/build.ts).
import { outcomeOf, run } from '../../lib/cni/plugin.js'
import { plugin } from './main.js'

/** Executes the call of this process. */
export const main = (argv: readonly string[]): Promise<void> => run(async io => outcomeOf(plugin, io), argv)
