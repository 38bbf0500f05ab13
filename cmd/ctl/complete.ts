// Completion for bash, zsh and fish, by @bomb.sh/tab. Loaded lazily.
import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

const MIGRATED = ['whereabouts', 'host-local', 'spiderpool-go']

/** Adds `completion SHELL`, and the hidden `complete` that its script calls. */
export function addCompletion(program: Command, pools: readonly string[]): void {
  const completion = tab(program, { completionCommandName: 'completion' })
  for (const path of ['pool show', 'pool drain']) {
    const argument = completion.commands.get(path)?.arguments.get('pool')
    if (argument) argument.handler = complete => pools.forEach(name => complete(name, 'SpiderIPPool'))
  }
  const source = completion.commands.get('migrate')?.arguments.get('source')
  if (source) source.handler = complete => MIGRATED.forEach(name => complete(name, ''))
}

/** Takes the long descriptions out: zsh and fish show them beside each word. */
export function summarise(command: Command): void {
  if (command.summary() !== '') command.description(command.summary())
  command.commands.forEach(summarise)
}

/**
 * Before the script for bash: it calls a function of the package bash-completion, which minimal
 * images and servers do not have.
 */
export const BASH_PRELUDE = `declare -F _get_comp_words_by_ref >/dev/null || _get_comp_words_by_ref() {
    cur=\${COMP_WORDS[COMP_CWORD]}
    prev=\${COMP_WORDS[COMP_CWORD - 1]}
    words=("\${COMP_WORDS[@]}")
    cword=$COMP_CWORD
}
`
