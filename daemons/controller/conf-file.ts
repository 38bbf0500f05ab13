// Reads conf.yml; faults are reported with file and line. The YAML parser is an argument.
import { messageOf } from '../../lib/errors.js'
import { podsIn } from './webhooks/pods-conf.js'
import { ConfFileError, confOf, type Conf } from './settings.js'

/** The line of a YAML fault is searched in this many lines at most. */
const LINES_MAX = 1_000

/**
 * Parses the text of the configuration file at `path`.
 * @throws Error a sentence with the path and, where it is known, the line.
 */
export function confIn(text: string, path: string, yaml: (text: string) => unknown): Conf {
  let parsed: unknown
  try {
    parsed = yaml(text)
  } catch (error) {
    throw new Error(`${path}, line ${lineOfFault(text, yaml)}: no YAML: ${messageOf(error)}`)
  }
  try {
    const conf = confOf(parsed)
    podsIn(conf.raw['podResourceInject']) // parsed here so that a wrong value is reported at start
    return conf
  } catch (error) {
    const line = error instanceof ConfFileError ? lineOfKey(text, error.key) : undefined
    throw new Error(`${path}${line === undefined ? '' : `, line ${line}`}: ${messageOf(error)}`)
  }
}

/**
 * The line, counted from 1, after the longest prefix that parses: Bun's parser reports no position.
 */
function lineOfFault(text: string, yaml: (text: string) => unknown): number {
  const lines = text.split('\n').slice(0, LINES_MAX)
  for (let count = lines.length - 1; count > 0; count--) {
    try {
      yaml(lines.slice(0, count).join('\n'))
      return count + 1
    } catch {
      continue // the fault is above
    }
  }
  return 1
}

function lineOfKey(text: string, key: string): number | undefined {
  const at = text.split('\n').findIndex(line => line.replaceAll(/["']/g, '').trimStart().startsWith(`${key}:`))
  return at < 0 ? undefined : at + 1
}
