// Makes docs/cli.md from the table of commands. `--write` writes it; a test compares it.
import { writeFileSync } from 'node:fs'
import { format, resolveConfig } from 'prettier'
import { COMMANDS, GLOBAL_OPTIONS, type CommandOption } from '../cmd/ctl/commands.js'
import { LEGEND } from '../cmd/ctl/pool/map.js'
import { EXIT_STATUS } from '../cmd/ctl/status.js'
import { ROOT } from './source-tree.js'

const HEAD = `# spiderpoolctl

Answers questions about a cluster with Spiderpool. It reads the API server with your kubeconfig, needs neither agent nor controller, and works with the
standalone server too. Under the name \`kubectl-spiderpool\` on PATH it is \`kubectl spiderpool\`. \`make build\` makes both names in dist/bin.

Commands that change the cluster say so: \`release\`, \`reserve\`, \`pool drain\`, \`quarantine lift\`, \`migrate --apply\` and \`cni\`; every other one only reads. Output to a terminal has colours, unless NO_COLOR is set. \`-o json\` and \`-o yaml\` have every field; columns and fields keep
their names, new ones may come. Sentences about what went wrong are on stderr.

<!-- made by scripts/ctl-page.ts from cmd/ctl/commands.ts -->
`

const COMPLETION = `
## Completion

\`spiderpoolctl completion bash\` (\`zsh\`, \`fish\`) prints a script for the shell: \`source <(spiderpoolctl completion bash)\`. It completes commands, options,
output formats and, for \`pool show\`, the names of pools.
`

const cell = (text: string): string => text.replaceAll('|', '\\|')

const optionRows = (options: readonly CommandOption[]): string =>
  options
    .map(({ flags, about, choices, default: value }) => {
      const among = choices ? `: ${choices.join(', ')}` : ''
      return `| \`${cell(flags)}\` | ${cell(about)}${among}${value === undefined ? '' : `; default ${value}`} |\n`
    })
    .join('')

const tableOf = (options: readonly CommandOption[]): string => `| option | |\n| --- | --- |\n${optionRows(options)}`

function commandText({ path, arguments: args, summary, about, options = [], examples, no }: (typeof COMMANDS)[number]) {
  const usage = ['spiderpoolctl', path, ...args.map(({ name }) => name)].join(' ')
  const named = args.map(argument => `\`${argument.name}\` is ${argument.about}. `).join('')
  const shown = examples.map(example => `# ${example.about}\nspiderpoolctl ${example.args}\n`).join('')
  const legend = path === 'pool show' ? `\nThe cells of the map: \`${LEGEND}\`.\n` : ''
  return `
### ${path}

\`${usage}\`: ${summary}. ${named}

${about}
${legend}
${options.length === 0 ? '' : `\n${tableOf(options)}`}
\`\`\`sh
${shown}\`\`\`

Exit status 1: ${no}.
`
}

/** The page. */
export async function ctlPage(): Promise<string> {
  const statuses = Object.values(EXIT_STATUS).map(({ status, means }) => `| ${status} | ${means} |\n`)
  const text = [
    HEAD,
    '\n## Commands\n',
    ...COMMANDS.map(commandText),
    `\n## Options of every command\n\n${tableOf(GLOBAL_OPTIONS)}`,
    `\n## Exit status\n\n| status | |\n| --- | --- |\n${statuses.join('')}`,
    COMPLETION,
  ].join('')
  const path = `${ROOT}docs/cli.md`
  return format(text, { ...(await resolveConfig(path)), parser: 'markdown' })
}

if (process.argv.includes('--write')) writeFileSync(`${ROOT}docs/cli.md`, await ctlPage())
