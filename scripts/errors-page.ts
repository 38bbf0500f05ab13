// Makes docs/errors.md from the registry of errors. `--write` writes it; a test compares it.
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { CNI_ERROR } from '../lib/cni/error.js'
import { REFUSALS, type Meaning } from '../lib/ipam/errors.js'
import { ROOT } from './source-tree.js'

const CNI_MEANINGS: Readonly<Record<keyof typeof CNI_ERROR, string>> = {
  incompatibleVersion: '`cniVersion` of the conf is none that the executable speaks.',
  unsupportedField: 'The conf has a field that the executable does not support.',
  unknownContainer: 'The container is not known, or a plugin before left no result to go on from.',
  invalidEnv: 'A CNI_ variable is missing or wrong; the sentence names it.',
  ioFailure: 'Reading stdin, or a change in the kernel, failed.',
  decodeFailure: 'stdin or `prevResult` is not the JSON that it should be.',
  invalidConfig: 'A key of the conf is wrong; the sentence names it, its value, and what it may be.',
  invalidNetns: "CNI_NETNS cannot be used, or is the node's own namespace.",
  tryAgain: 'Something is away or busy, or a pool is full: the runtime tries again by itself.',
  notAvailable: 'STATUS: an ADD would fail now.',
  limitedConnectivity: 'STATUS: an ADD would work, and the network of pods would not be whole.',
  internal: 'All else, as other plugins say it; the sentence has the cause.',
}

const HEAD = `# Error codes

What a CNI executable prints as \`code\`. The kubelet shows the sentence that belongs to it in the pod's events
(\`kubectl describe pod\`), and the IPAM writes its refusals there itself, once a minute at most.

## Codes of CNI

| code | meaning |
| ---- | ------- |
`

const OWN = `
## What the IPAM refuses

Every sentence begins with \`spiderpool IP allocation error: \` (for CHECK \`spiderpool IP check error: \`). Codes from 100 are
our own; they are never given another meaning.

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
