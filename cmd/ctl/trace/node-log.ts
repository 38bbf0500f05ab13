// The lines of the executables' logs about a pod, where the trace runs on its node. Reads only.
import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs'
import { join } from 'node:path'

const BYTES_MAX = 2 * 1024 * 1024
const LINES_MAX = 10

/** The last lines that name the pod, oldest first; none where the folder is not there. */
export function logLines(folder: string, { namespace, name }: { readonly namespace: string; readonly name: string }) {
  const pod = new RegExp(`["/=]${name.replaceAll('.', '\\.')}[";,\\s]`)
  const own = (line: string): boolean => line.includes(namespace) && pod.test(line)
  return filesIn(folder)
    .flatMap(file => linesOf(join(folder, file)).filter(own))
    .sort((a, b) => (timeOf(a) < timeOf(b) ? -1 : 1))
    .slice(-LINES_MAX)
}

const timeOf = (line: string): string => /\d{4}-\d\d-\d\dT[\d:.]+/.exec(line)?.[0] ?? ''

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter(name => name.endsWith('.log'))
  } catch {
    return [] // not on a node, or not as root: the trace is of the API server alone
  }
}

/** The lines at the end of a file. */
function linesOf(path: string): readonly string[] {
  let fd: number
  try {
    fd = openSync(path, 'r')
  } catch {
    return [] // it was rotated meanwhile, or is root's
  }
  try {
    const { size } = fstatSync(fd)
    const bytes = Buffer.alloc(Math.min(size, BYTES_MAX))
    readSync(fd, bytes, 0, bytes.length, Math.max(0, size - bytes.length))
    return bytes.toString().split('\n')
  } finally {
    closeSync(fd)
  }
}
