// Makes docs/errors.md from the registry of errors. `--write` writes it; a test compares it.
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { CNI_ERROR } from '../lib/cni/error.js'
import { REFUSALS, type Meaning } from '../lib/ipam/errors.js'
import { ROOT } from './source-tree.js'

const CNI_MEANINGS: Readonly<Record<keyof typeof CNI_ERROR, string>> = {
  incompatibleVersion: '`cniVersion` of the conf is not a version that the plugin supports.',
  unsupportedField: 'The conf has a field that the plugin does not support.',
  unknownContainer: 'The container is unknown, or there is no prevResult.',
  invalidEnv: 'A CNI_ variable is missing or invalid; the sentence names it.',
  ioFailure: 'Reading stdin, or a change in the kernel, failed.',
  decodeFailure: 'stdin or `prevResult` is not valid JSON.',
  invalidConfig: 'A key of the conf is invalid; the sentence names key, value and what is allowed.',
  invalidNetns: "CNI_NETNS cannot be used, or is the node's own namespace.",
  tryAgain: 'A dependency is unavailable or busy, or a pool is full: the runtime retries.',
  notAvailable: 'STATUS: an ADD would fail now.',
  limitedConnectivity: 'STATUS: an ADD would succeed, but with limited connectivity.',
  internal: 'Everything else, as other plugins use it; the sentence has the cause.',
}

const HEAD = `# Error codes

The \`code\` that a CNI plugin prints on failure. The kubelet shows its sentence in the pod's events (\`kubectl describe
pod\`), and the IPAM writes its own errors there, at most once a minute.

## Codes of CNI

| code | meaning |
| ---- | ------- |
`

const OWN = `
## Codes of the IPAM

Every sentence begins with \`spiderpool IP allocation error: \` (for CHECK \`spiderpool IP check error: \`). Codes from 100 are
ours; they never change their meaning.

| code | name | meaning | what to do |
| ---- | ---- | ------- | ---------- |
`

export async function errorsPage(): Promise<string> {
  const cni = Object.entries(CNI_ERROR).map(
    ([kind, code]) => `| ${code} | ${CNI_MEANINGS[kind as keyof typeof CNI_ERROR]} |`,
  )
  const own = Object.entries<Meaning>(REFUSALS)
    .sort(([, a], [, b]) => a.code - b.code)
    .map(([name, { code, means, todo }]) => `| ${code} | ${name} | ${means} | ${todo} |`)
  const page = `${HEAD}${cni.join('\n')}\n${OWN}${own.join('\n')}\n`
  return format(page, { ...(await resolveConfig(`${ROOT}docs/errors.md`)), parser: 'markdown' })
}

if (process.argv.includes('--write')) writeFileSync(`${ROOT}docs/errors.md`, await errorsPage())
