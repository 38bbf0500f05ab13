// conf.yml read: what is wrong with it, by the file and the line. Pure; the YAML parser is an argument.
import { messageOf } from '../../lib/errors.js'
import { podsIn } from './webhooks/pods-conf.js'
import { ConfFileError, confOf, type Conf } from './settings.js'

/** A conf is tens of lines; of a longer text no line is looked for. */
const LINES_MAX = 1_000

/** The switches in the text of the file at `path`. @throws Error a sentence with the path and, where it is known, the line. */
export function confIn(text: string, path: string, yaml: (text: string) => unknown): Conf {
  let parsed: unknown
  try {
    parsed = yaml(text)
  } catch (error) {
    throw new Error(`${path}, line ${lineOfFault(text, yaml)}: no YAML: ${messageOf(error)}`)
  }
  try {
    const conf = confOf(parsed)
    podsIn(conf.raw['podResourceInject']) // read when webhooks are printed; wrong, it is said now
    return conf
  } catch (error) {
    const line = error instanceof ConfFileError ? lineOfKey(text, error.key) : undefined
    throw new Error(`${path}${line === undefined ? '' : `, line ${line}`}: ${messageOf(error)}`)
  }
}

/** The line after the longest beginning that is YAML: the parser says none. Counted from 1. */
function lineOfFault(text: string, yaml: (text: string) => unknown): number {
  const lines = text.split('\n').slice(0, LINES_MAX)
  for (let count = lines.length - 1; count > 0; count--) {
    try {
      yaml(lines.slice(0, count).join('\n'))
      return count + 1
    } catch {
      continue // the fault is before
    }
  }
  return 1
}

function lineOfKey(text: string, key: string): number | undefined {
  const at = text.split('\n').findIndex(line => line.replaceAll(/["']/g, '').trimStart().startsWith(`${key}:`))
  return at < 0 ? undefined : at + 1
}
