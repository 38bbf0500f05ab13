// The error sentence of a port that cannot be listened on.
import { codeOf, messageOf } from '../../lib/errors.js'

/**
 * The variable, the port and the remedy, in a sentence. `hostname` is '' for every address of the
 * machine.
 */
export function portFault(
  variable: string,
  { port, hostname }: { readonly port: number; readonly hostname: string },
  error: unknown,
): string {
  const code = codeOf(error)
  const words = messageOf(error)
  const at = hostname === '' ? `port ${port}` : `${hostname.includes(':') ? `[${hostname}]` : hostname}:${port}`
  switch (code) {
    case 'EADDRINUSE':
      return `${variable}: ${at} is already in use (ss -Hltnp sport = :${port} says by which process); end that or set another port`
    case 'EACCES':
      return `${variable}: ${at} may not be listened at without CAP_NET_BIND_SERVICE; set a port of 1024 or more`
    case 'EADDRNOTAVAIL':
      return `${variable}: no interface of this machine has ${hostname}; set an address that it has`
    default:
      return `${variable}: cannot listen at ${at}: ${words}`
  }
}
