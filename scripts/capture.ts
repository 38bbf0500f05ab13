// Runs a command under strace in a new netns; prints its netlink requests as test rows. Root.
//   npx tsx scripts/capture.ts [--first 'ip link add v0 …'] [--answers] ip link add m0 link v0 …
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import { parseArgs } from 'node:util'
import { answersOf, rowsOf } from './capture-row.js'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  // What follows the command's name is the command's own.
  args: ownArguments(process.argv.slice(2)),
  options: { first: { type: 'string', default: 'true' }, answers: { type: 'boolean', default: false } },
})

function ownArguments(argv: readonly string[]): string[] {
  const command = argv.findIndex((word, i) => !word.startsWith('--') && argv[i - 1] !== '--first')
  return command < 0 ? [...argv] : [...argv.slice(0, command), '--', ...argv.slice(command)]
}

/**
 * The datagrams of a trace: strace writes a line per call, then its bytes as ` | offset hex text
 * |`.
 */
function datagramsOf(trace: string, call: RegExp): Uint8Array[] {
  const found: number[][] = []
  let current: number[] | undefined
  for (const line of trace.split('\n')) {
    const dump = /^ \| [0-9a-f]+ {2}(.{48})/.exec(line)?.[1]
    if (dump !== undefined) current?.push(...(dump.match(/[0-9a-f]{2}/g) ?? []).map(byte => parseInt(byte, 16)))
    else if (!line.startsWith(' *')) {
      current = call.test(line) && line.includes('nlmsg_len') ? [] : undefined
      if (current !== undefined) found.push(current)
    }
  }
  return found.filter(bytes => bytes.length > 0).map(bytes => withoutSlack(Uint8Array.from(bytes)))
}

/**
 * iproute2 sends some dump requests with the rest of its buffer: trailing zeros that the kernel
 * ignores.
 */
function withoutSlack(datagram: Uint8Array): Uint8Array {
  const length = new DataView(datagram.buffer).getUint32(0, os.endianness() === 'LE')
  return datagram.subarray(length).every(byte => byte === 0) ? datagram.subarray(0, length) : datagram
}

function traceOf(first: string, command: readonly string[]): string {
  const folder = mkdtempSync(`${os.tmpdir()}/capture-`)
  const script = `${first}\nexec strace -o ${folder}/trace -e trace=sendmsg,sendto,recvmsg -e write=all -e read=all "$@"`
  const { status, stderr } = spawnSync('unshare', ['-n', 'sh', '-c', script, 'sh', ...command], { encoding: 'utf8' })
  if (status !== 0)
    console.error(`${command.join(' ')}: status ${status} (the rows are what it sent): ${stderr.trim()}`)
  const trace = readFileSync(`${folder}/trace`, 'utf8')
  rmSync(folder, { recursive: true })
  return trace
}

const trace = traceOf(values.first, positionals)
const of = positionals.join(' ')
for (const datagram of datagramsOf(trace, /send(msg|to)\(/)) console.log(rowsOf(of, datagram).join('\n'))
if (values.answers)
  for (const datagram of datagramsOf(trace, /recvmsg\(/)) console.log(answersOf(of, datagram).join('\n'))
