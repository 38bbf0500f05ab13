// Reads the controller's conf.yml; faults are reported with file and line.
import { acceptYaml } from '../runtime/conf-file.js'
import { podsIn } from './webhooks/pods-conf.js'
import { confOf, type Conf } from './settings.js'

/**
 * Parses the text of the configuration file at `path`.
 * @throws Error a sentence with the path and, where it is known, the line.
 */
export const confIn = (text: string, path: string, yaml: (text: string) => unknown): Conf =>
  acceptYaml({ text, path, yaml }, parsed => {
    const conf = confOf(parsed)
    podsIn(conf.raw['podResourceInject']) // parsed here so that a wrong value is reported at start
    return conf
  })
