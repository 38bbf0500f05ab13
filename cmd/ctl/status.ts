// Exit statuses of spiderpoolctl, and the errors that carry them. Imports nothing.

/** Part of the interface: scripts depend on it. */
export const EXIT_STATUS = {
  ok: { status: 0, short: 'yes or a list', means: 'The question is answered, and the answer is yes or a list.' },
  no: {
    status: 1,
    short: 'no, or something is wrong',
    means: 'The question is answered with no: no holder, no address, or something is wrong.',
  },
  usage: {
    status: 2,
    short: 'wrong command line',
    means: 'The command line is wrong, or it names an object that does not exist.',
  },
  cluster: {
    status: 3,
    short: 'the API server does not answer or denies it',
    means: 'The API server does not answer, or denies something without which there is no answer.',
  },
} as const

export type ExitStatus = keyof typeof EXIT_STATUS

/** One sentence for stderr, and the exit status. */
export class CtlError extends Error {
  override readonly name = 'CtlError'
  readonly exit: ExitStatus
  constructor(exit: ExitStatus, message: string, options?: ErrorOptions) {
    super(message, options)
    this.exit = exit
  }
}
