// `ifacer --plan`: the links that an ADD would make. Changes nothing. Loaded lazily.
import type { Call, PlanFormat } from '../../lib/cni/plugin.js'
import { listLinks } from '../../lib/kernel/node-links.js'
import { describe } from '../../lib/plan/step.js'
import { planLines } from '../../lib/plan/text.js'
import type { IfacerConf } from './config.js'
import { linksOf, namesOf, planFor } from './plan.js'

/**
 * The output of a dry run.
 * @throws CniError as ADD does
 */
export function dryRun({ config }: Call<IfacerConf>, format: PlanFormat): string {
  const names = namesOf(config)
  const steps = names.length === 0 ? [] : planFor(config, linksOf(config, listLinks))
  if (format === 'json') return `${JSON.stringify({ links: names, steps }, undefined, 2)}\n`
  if (names.length === 0) return 'neither vlan nor bond is named: nothing would be done\n'
  if (steps.length === 0) return `${names.join(', ')}: an ADD would change nothing\n`
  return `${names.join(', ')}: an ADD would apply\n${planLines(steps).join('\n') || steps.map(describe).join('\n')}\n`
}
