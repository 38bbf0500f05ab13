// Completion for bash, zsh and fish, by @bomb.sh/tab. Loaded lazily.
import tab from '@bomb.sh/tab/commander'
import type { Command } from 'commander'

/** Adds `completion SHELL`, and the hidden `complete` that its script calls. */
export function addCompletion(program: Command, pools: readonly string[]): void {
  const completion = tab(program, { completionCommandName: 'completion' })
  const show = completion.commands.get('pool show')?.arguments.get('pool')
  if (show) show.handler = complete => pools.forEach(name => complete(name, 'SpiderIPPool'))
}
