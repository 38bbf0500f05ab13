// spiderpoolctl for people in a shell: help on a screen, the plugin of kubectl, completion.
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { COMMANDS } from '../../../cmd/ctl/commands.js'
import { startApiserver } from '../../fixtures/apiserver.js'
import { openCluster } from '../../fixtures/cluster.js'
import { BIN, runExecutable, type Reply } from '../../fixtures/executable.js'

const server = await startApiserver({ standalone: true })
const { kubeconfig } = server
const folder = mkdtempSync(join(tmpdir(), 'ctl-shell-'))
t.teardown(async () => {
  rmSync(folder, { recursive: true })
  await server.stop()
})
await openCluster(kubeconfig).pool('web', { subnet: '172.18.0.0/16', ips: ['172.18.30.131'] })

const ctl = (line: string, { name = 'spiderpoolctl' } = {}): Promise<Reply> =>
  runExecutable({ name, args: line.split(' ').filter(Boolean), env: { KUBECONFIG: kubeconfig } })
const env = { PATH: `${BIN}:${process.env['PATH'] ?? ''}`, HOME: folder, KUBECONFIG: kubeconfig }
const NO_KUBECTL = spawnSync('kubectl', ['version', '--client']).error !== undefined && 'kubectl is not installed'

t.test('--help fits a screen of 80 columns, and is the same as kubectl-spiderpool', async t => {
  const help = await ctl('--help', { name: 'kubectl-spiderpool' })
  t.equal(help.status, 0)
  t.equal((await ctl('--help')).stdout, help.stdout)
  const widest = (text: string): number => Math.max(...text.split('\n').map(line => line.length))
  t.ok(help.stdout.trimEnd().split('\n').length <= 36 && widest(help.stdout) <= 80, help.stdout)
  for (const { path } of COMMANDS) {
    const { stdout, status } = await ctl(`${path} --help`)
    t.equal(status, 0, path)
    t.ok(stdout.trimEnd().split('\n').length <= 24 && widest(stdout) <= 80, stdout)
  }
})

t.test('kubectl spiderpool: the plugin of kubectl', { skip: NO_KUBECTL }, t => {
  const { status, stdout } = spawnSync('kubectl', ['spiderpool', 'pool', 'list', '-o', 'name'], {
    env,
    encoding: 'utf8',
  })
  t.equal(status, 0)
  t.match(stdout, 'spiderippool/web\n')
  t.end()
})

/** Each shell's own way to list the completions of a line. */
const COMPLETIONS: Readonly<Record<string, (line: string) => string>> = {
  bash: line =>
    `source <(spiderpoolctl completion bash); f=$(complete -p spiderpoolctl | sed 's/.*-F \\([^ ]*\\).*/\\1/'); COMP_LINE='${line}'; COMP_POINT=\${#COMP_LINE}; read -ra COMP_WORDS <<<"$COMP_LINE"; [[ $COMP_LINE = *' ' ]] && COMP_WORDS+=(''); COMP_CWORD=$((\${#COMP_WORDS[@]} - 1)); $f spiderpoolctl; printf '%s\\n' "\${COMPREPLY[@]}"`,
  fish: line => `spiderpoolctl completion fish | source; complete -C '${line}'`,
}

t.test('completion: commands and pools in real shells, and a script for each shell', async t => {
  for (const shell of ['bash', 'zsh', 'fish']) t.match((await ctl(`completion ${shell}`)).stdout, /spiderpoolctl/)
  for (const [shell, scriptOf] of Object.entries(COMPLETIONS)) {
    if (spawnSync(shell, ['--version']).status !== 0) continue // bash is everywhere
    const complete = (line: string): string =>
      spawnSync(shell, ['-c', scriptOf(line)], { env, encoding: 'utf8' }).stdout
    t.match(complete('spiderpoolctl quaran'), /^quarantine/m, shell)
    t.match(complete('spiderpoolctl pool '), /^overlap/m, shell)
    for (const command of ['show', 'drain']) t.match(complete(`spiderpoolctl pool ${command} w`), /^web/m, shell)
    t.match(complete('spiderpoolctl migrate '), /^whereabouts/m, shell)
  }
})
