// Reads a daemon's YAML file; faults are reported with file and line. The YAML parser is an
// argument.
import { messageOf } from '../../lib/errors.js'

/** The line of a YAML fault is searched in this many lines at most. */
const LINES_MAX = 1_000

/** A key of a configuration file with an unusable value. */
export class ConfFileError extends Error {
  readonly key: string

  constructor(key: string, message: string) {
    super(message)
    this.key = key
  }
}

/** A file's path, its text, and the parser of its text. */
export interface YamlFile {
  readonly path: string
  readonly text: string
  readonly yaml: (text: string) => unknown
}

/**
 * What `accept` makes of the parsed file.
 * @throws Error a sentence with the path and, where it is known, the line.
 */
export function acceptYaml<T>({ path, text, yaml }: YamlFile, accept: (parsed: unknown) => T): T {
  let parsed: unknown
  try {
    parsed = yaml(text)
  } catch (error) {
    throw new Error(`${path}, line ${lineOfFault(text, yaml)}: no YAML: ${messageOf(error)}`)
  }
  try {
    return accept(parsed)
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
