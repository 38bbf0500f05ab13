// deploy/spiderpool.yaml: what the chart renders by default, for those without Helm.
import { execFileSync } from 'node:child_process'
import { ROOT } from './source-tree.js'

const HEAD = `# Spiderpool without Helm: what charts/spiderpool renders by default, with the init Job and without Helm's other hooks.
# Made by scripts/generate.ts. Not edited.
# kubectl apply -f schemas/crds -f deploy/spiderpool.yaml. To apply it again, delete the Job first: kubectl -n kube-system delete job spiderpool-init
# \`make image\` makes the image. For other values: scripts/helm.sh template spiderpool charts/spiderpool -n kube-system --set KEY=VALUE
`

/** Hooks that an installation without Helm needs: the Job that creates the first objects. */
const isKept = (text: string): boolean => !text.includes('helm.sh/hook') || /^  name: spiderpool-init$/m.test(text)

/** Lines that are Helm's: where a document is from, its own labels and annotations. */
const ofHelm = (line: string): boolean =>
  /^# Source: |^ *(helm\.sh\/|app\.kubernetes\.io\/managed-by: )/.test(line) || line.trim() === ''

/** Without the lines that are Helm's, and without annotations that had only such. */
function plain(text: string): string {
  const lines = text.split('\n').filter(line => !ofHelm(line))
  const indent = (line = ''): number => line.length - line.trimStart().length
  return lines.filter((line, at) => line.trim() !== 'annotations:' || indent(lines[at + 1]) > indent(line)).join('\n')
}

/** The manifest, in the order in which Helm applies it. */
export function manifest(): string {
  const args = ['template', 'spiderpool', `${ROOT}charts/spiderpool`, '--namespace', 'kube-system']
  const rendered = execFileSync(`${ROOT}scripts/helm.sh`, args, { encoding: 'utf8' })
  const documents = rendered.split(/^---\n/m).filter(text => text.trim() !== '' && isKept(text))
  return HEAD + documents.map(plain).join('\n---\n')
}
