// The client of the node agent: CNI_COMMAND=VERSION in turn with Debian's macvlan, a call that an
// agent answers, and what the client adds where there is none.
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { fileURLToPath } from 'node:url'
import { measure, median, residentMb, type Command, type Row } from './measure.js'
import { BIN, DEBIAN } from './stage.js'

const CLIENT = fileURLToPath(new URL('../dist/client', import.meta.url))
const ROUNDS = 41
const VERSION = { CNI_COMMAND: 'VERSION' }
const CONF = { cniVersion: '1.1.0', name: 'net', type: 'coordinator', mode: 'underlay', note: 'x'.repeat(1500) }
const callEnv = (socket: string): Readonly<Record<string, string>> => ({
  ...{ CNI_COMMAND: 'DEL', CNI_CONTAINERID: 'c1', CNI_IFNAME: 'eth0', CNI_NETNS: '', CNI_PATH: BIN },
  SPIDERPOOL_AGENT_SOCKET: socket,
})

/** CPU and wall of both, in turn: the machine is as busy for one as for the other. */
async function inTurn(one: Command, other: Command) {
  const samples: { readonly one: number; readonly other: number; readonly wall: number }[] = []
  for (let round = 0; round < ROUNDS; round++) {
    const { cpuMs, wallMs } = await measure(one)
    samples.push({ one: cpuMs, wall: wallMs, other: (await measure(other)).cpuMs })
  }
  const of = (key: 'one' | 'other' | 'wall'): number => median(samples.map(sample => sample[key]))
  return { cpu: of('one'), wall: of('wall'), otherCpu: of('other') }
}

/** Answers every call with 2 kB. */
async function agentAt(socket: string): Promise<() => void> {
  const reply = JSON.stringify({ exitCode: 0, stdout: 'y'.repeat(2000), stderr: '', containerID: 'c1', ifName: 'eth0' })
  const chunks = [' ', reply].map(text => `${text.length.toString(16)}\r\n${text}\r\n`).join('')
  const answer = `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${chunks}0\r\n\r\n`
  const server = createServer(connection => void connection.once('data', () => connection.end(answer)))
  await new Promise<void>(resolve => server.listen(socket, resolve))
  return () => void server.close()
}

/** As residentMb(), which would block the agent here. */
async function residentAnsweredMb({ file, env, stdin = '' }: Command): Promise<number> {
  const options = { env: { ...env }, stdin: Buffer.from(stdin), stderr: 'pipe', stdout: 'ignore' } as const
  const text = await new Response(Bun.spawn(['/usr/bin/time', '-f', '%M', file], options).stderr).text()
  return Number(text.trim().split('\n').at(-1)) / 1024
}

/** The rows of docs/benchmarks.md. */
export async function client(): Promise<readonly Row[]> {
  const file = `${CLIENT}/coordinator`
  const folder = mkdtempSync(`${tmpdir()}/bench-client-`)
  const close = await agentAt(`${folder}/agent.sock`)
  try {
    const version = await inTurn({ file, env: VERSION }, { file: `${DEBIAN}/macvlan`, env: VERSION })
    const stdin = JSON.stringify(CONF)
    const answered = { file, env: callEnv(`${folder}/agent.sock`), stdin }
    const call = await inTurn(answered, { file, env: VERSION })
    const direct = { env: callEnv(`${folder}/none.sock`), stdin }
    const without = await inTurn({ file, ...direct }, { file: `${BIN}/coordinator`, ...direct })
    return [
      { what: 'VERSION client, CPU', value: version.cpu, unit: 'ms', bound: '<= 2 ms' },
      { what: 'VERSION client, wall', value: version.wall, unit: 'ms' },
      { what: 'VERSION client, resident', value: residentMb({ file, env: VERSION }), unit: 'MB', bound: '<= 6 MB' },
      { what: 'VERSION client, CPU / Debian macvlan', value: version.cpu / version.otherCpu, bound: '<= 1.0' },
      { what: 'client, call that an agent answers, CPU', value: call.cpu, unit: 'ms', bound: '<= 2 ms' },
      { what: 'client, call that an agent answers, wall', value: call.wall, unit: 'ms' },
      {
        what: 'client, call that an agent answers, resident',
        value: await residentAnsweredMb(answered),
        unit: 'MB',
        bound: '<= 6 MB',
      },
      { what: 'client without an agent, CPU of client and full image', value: without.cpu, unit: 'ms' },
      { what: 'the full image without a client, CPU', value: without.otherCpu, unit: 'ms' },
    ]
  } finally {
    close()
    rmSync(folder, { recursive: true })
  }
}
