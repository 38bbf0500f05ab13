// What the client needs of a kernel: no loader, system calls of Linux 4.18, none that must succeed
// at once.
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { spawnSync } from 'node:child_process'
import t from 'tap'
import { CLIENT_BIN } from '../fixtures/client.js'
import { cniEnv, runExecutable, type Reply } from '../fixtures/executable.js'
import { answer, startScriptedAgent } from '../fixtures/scripted-agent.js'

const agent = await startScriptedAgent((_, one) =>
  answer(one, JSON.stringify({ exitCode: 0, stdout: 'RESULT', stderr: 'note', containerID: 'c1', ifName: 'eth0' })),
)
const folder = mkdtempSync(`${tmpdir()}/client-kernel-`)
t.teardown(async () => {
  await agent.stop()
  rmSync(folder, { recursive: true })
})

const CONF = { cniVersion: '1.1.0', name: 'net', type: 'coordinator', note: 'x'.repeat(30_000) }

function call({ under = [] as readonly string[], bin = CLIENT_BIN, socket = agent.socket }): Promise<Reply> {
  return runExecutable({
    ...{ name: 'coordinator', bin, under },
    env: { ...cniEnv({ verb: 'DEL', containerID: 'c1', netns: '' }), SPIDERPOOL_AGENT_SOCKET: socket },
    stdin: JSON.stringify(CONF),
  })
}

t.test('the client is a static executable without a loader', async t => {
  const elf = readFileSync(`${CLIENT_BIN}/coordinator`)
  t.equal(elf.toString('latin1', 0, 4), '\x7fELF')
  // Elf64_Ehdr: e_phoff at 32, e_phentsize at 54, e_phnum at 56; p_type is the first field (elf.h).
  const [offset, size, count] = [Number(elf.readBigUInt64LE(32)), elf.readUInt16LE(54), elf.readUInt16LE(56)]
  const types = Array.from({ length: count }, (_, at) => elf.readUInt32LE(offset + at * size))
  const [PT_DYNAMIC, PT_INTERP] = [2, 3]
  t.notOk(types.includes(PT_DYNAMIC))
  t.notOk(types.includes(PT_INTERP))
})

/** Older than Linux 4.18; memfd_create, of 3.17, is the newest. */
const OLD: readonly string[] = [
  ...['rt_sigprocmask', 'sigaltstack'],
  ...[
    'execve',
    'arch_prctl',
    'set_tid_address',
    'rt_sigaction',
    'sigaltstack',
    'brk',
    'mmap',
    'munmap',
    'mremap',
    'madvise',
    'fcntl',
  ],
  ...['read', 'write', 'writev', 'readlink', 'lstat', 'stat', 'open', 'close', 'socket', 'setsockopt', 'connect'],
  ...['sendto', 'poll', 'recvfrom', 'exit_group', 'memfd_create', 'lseek', 'dup2'],
]

t.test('the client calls nothing that Linux 4.18 lacks, answered or not', async t => {
  for (const socket of [agent.socket, `${folder}/none.sock`]) {
    const trace = `${folder}/trace`
    t.match(await call({ under: ['strace', '-o', trace], socket }), { status: 0 })
    const lines = readFileSync(trace, 'utf8').split('\n')
    const image = lines.findIndex(line => line.includes('.spiderpool-plugins'))
    const names = lines.slice(0, image < 0 ? undefined : image + 1).map(line => /^(\w+)\(/.exec(line)?.[1] ?? '')
    const unknown = [...new Set(names)].filter(name => name !== '' && !OLD.includes(name))
    t.strictSame(unknown, [], socket)
    t.ok(names.includes(socket === agent.socket ? 'recvfrom' : 'memfd_create'), socket)
  }
})

const injected = (fault: string): readonly string[] => ['strace', '-o', '/dev/null', '-e', `inject=${fault}`]

t.test('a system call that is interrupted or would block is made again', async t => {
  const faults = [
    ...['read:error=EINTR:when=1', 'read:error=EAGAIN:when=1', 'read:error=EINTR:when=2+2'],
    ...['connect:error=EINTR:when=1', 'sendto:error=EINTR:when=1', 'poll:error=EINTR:when=1+2'],
    ...['recvfrom:error=EINTR:when=1', 'write:error=EINTR:when=1', 'write:error=EAGAIN:when=2'],
  ]
  for (const fault of faults)
    t.match(await call({ under: injected(fault) }), { status: 0, stdout: 'RESULT', stderr: 'note' }, fault)
})

t.test('a system call that fails before the agent has begun: the full image executes the call', async t => {
  const faults = ['socket:error=EMFILE:when=1', 'connect:error=EACCES:when=1', 'setsockopt:error=EPERM:when=1']
  for (const fault of faults) {
    const reply = await call({ under: injected(fault) })
    t.equal(reply.status, 0, fault)
    t.ok(reply.stdout === '' || fault.startsWith('setsockopt'), fault)
  }
  const refused = await call({ under: injected('memfd_create:error=EPERM'), socket: `${folder}/none.sock` })
  t.match(refused, { status: 0, stdout: '' }, 'stdin goes through a pipe')
  const lost = await call({ under: injected('memfd_create,pipe:error=EPERM'), socket: `${folder}/none.sock` })
  t.match(lost, { status: 1, json: { code: 5, msg: /^stdin cannot be handed to .*\.spiderpool-plugins: / } })
})

t.test('an allocation that fails, at any place: the full image executes the call, or the client has', async t => {
  // The client alone maps memory some 50 times; later places are in the full image.
  for (let place = 1; place <= 40; place += 3) {
    const reply = await call({ under: injected(`mmap:error=ENOMEM:when=${place}`) })
    t.strictSame([reply.status, reply.signal], [0, null], `mmap ${place}`)
    t.ok(['', 'RESULT'].includes(reply.stdout), `mmap ${place}: ${reply.stdout}`)
  }
})

t.test(
  'in a chroot without /proc, as Multus’ thick plugin makes one, the full image is looked for beside it',
  async t => {
    mkdirSync(`${folder}/root/opt/cni/bin`, { recursive: true })
    copyFileSync(`${CLIENT_BIN}/coordinator`, `${folder}/root/opt/cni/bin/coordinator`)
    const run = (env: Readonly<Record<string, string>>) =>
      spawnSync('/usr/sbin/chroot', [`${folder}/root`, '/opt/cni/bin/coordinator'], {
        env,
        input: '{}',
        encoding: 'utf8',
      })
    t.match(run({ CNI_COMMAND: 'VERSION' }), { status: 0, stdout: /supportedVersions/ })
    t.match(run({ CNI_COMMAND: 'STATUS' }), {
      status: 1,
      stdout: /cannot execute \/opt\/cni\/bin\/\.spiderpool-plugins: No such file or directory/,
    })
  },
)
