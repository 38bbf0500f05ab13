// The command line as commander parses it, made from the table of commands.
import { Command, Option } from 'commander'
import { versionOf } from '../../lib/version.js'
import { COMMANDS, GLOBAL_OPTIONS, GROUPS, type CommandOption, type CommandSpec } from './commands.js'
import { EXIT_STATUS } from './status.js'

/** What the command line names: a command, its arguments, and its options with the global ones. */
export interface Invocation {
  readonly spec: CommandSpec
  readonly args: readonly string[]
  readonly options: Readonly<Record<string, string | boolean | undefined>>
}

export interface ProgramOutput {
  readonly print: (text: string) => void
  readonly warn: (text: string) => void
}

const HELP_COLUMNS = 80
const HELP = { helpWidth: HELP_COLUMNS } as const

/** The program; `run` is called with what the command line names. It ends no process. */
export function programOf(run: (invocation: Invocation) => Promise<void>, { print, warn }: ProgramOutput): Command {
  const program = new Command('spiderpoolctl')
  program
    .description('Answers questions about Spiderpool: who has an address, how full pools are, why a pod has none.')
    .version(versionOf('spiderpoolctl'), '--version', 'print the version')
    .helpOption('-h, --help', 'print help')
    .helpCommand('help [command]', 'print help for a command')
    .configureHelp(HELP)
    .configureOutput({
      writeOut: print,
      writeErr: warn,
      getOutHelpWidth: () => HELP_COLUMNS,
      outputError: (text, write) => write(sentenceOf(text)),
    })
    .exitOverride()
    .showSuggestionAfterError()
  for (const option of GLOBAL_OPTIONS) program.addOption(optionOf(option))
  for (const [name, about] of Object.entries(GROUPS))
    if (COMMANDS.some(({ path }) => path.startsWith(`${name} `))) program.command(name).description(about)
  for (const spec of COMMANDS) addCommand(program, spec, run)
  const statuses = Object.values(EXIT_STATUS).map(({ status, short }) => `${status} ${short}`)
  program.addHelpText('after', `\n${wrapped(`Exit status: ${statuses.join(', ')}.`)}`)
  return program
}

/** The text in lines of HELP_COLUMNS. */
function wrapped(text: string): string {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = `${lines.at(-1) ?? ''} ${word}`.trimStart()
    if (line.length > HELP_COLUMNS) lines.push(word)
    else lines[lines.length - 1] = line
  }
  return lines.join('\n')
}

/** Commander's two lines, `error: …` and `(Did you mean …?)`, as one sentence of ours. */
const sentenceOf = (text: string): string =>
  `spiderpoolctl: ${text
    .trim()
    .replace(/^error: /, '')
    .replace(/\n+/g, ' ')}; see spiderpoolctl --help\n`

function optionOf({ flags, about, choices, default: value }: CommandOption): Option {
  const option = new Option(flags, about)
  if (choices) option.choices(choices)
  if (value !== undefined) option.default(value)
  return option
}

function addCommand(program: Command, spec: CommandSpec, run: (invocation: Invocation) => Promise<void>): void {
  const words = spec.path.split(' ')
  const name = words.at(-1) ?? ''
  const parent = words.length > 1 ? program.commands.find(one => one.name() === words[0]) : program
  const command = (parent ?? program)
    .command(name)
    .summary(spec.summary)
    .description(`${spec.summary}.\n\n${spec.about}`)
  for (const argument of spec.arguments) command.argument(argument.name, argument.about)
  for (const option of spec.options ?? []) command.addOption(optionOf(option))
  const examples = spec.examples.map(({ args, about }) => {
    const line = `  spiderpoolctl ${args}  # ${about}`
    return line.length > HELP_COLUMNS ? `  # ${about}\n  spiderpoolctl ${args}` : line
  })
  command.configureHelp({ ...HELP, visibleOptions: ({ options }) => [...options] }) // without --help itself
  const end = wrapped(`Exit status 1: ${spec.no}. Options of every command: spiderpoolctl --help.`)
  command.addHelpText('after', `\nExamples:\n${examples.join('\n')}\n\n${end}`)
  command.action(async () => run({ spec, args: command.args, options: command.optsWithGlobals() }))
}
