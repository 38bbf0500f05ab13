// Runs in one network namespace of the demo, under Bun: a TCP server that answers with the client's
// address, and a client that dials on request.
import { createConnection, createServer, type Socket } from 'node:net'
import { createInterface } from 'node:readline'
import { messageOf } from '../lib/errors.js'

/** The port of every resident. */
export const PORT = 8080
/** A SYN that a busy machine lost is sent again after one second. */
const DIAL_MS_MAX = 2500

/** A line of stdin; `id` comes back with the answer. */
export interface Ask {
  readonly id: number
  readonly dial?: Target
  readonly relay?: { readonly from: Listening; readonly to: Listening }
}
export interface Target {
  readonly host: string
  readonly port: number
}
type Listening = { readonly path: string } | { readonly host: string; readonly port: number }
/** A line of stdout: what the other side said, or why it could not be asked. */
export interface Answer {
  readonly id: number
  readonly text?: string
  readonly error?: string
}

const reply = (answer: Answer): void => void process.stdout.write(`${JSON.stringify(answer)}\n`)
const plain = (address = ''): string => address.replace(/^::ffff:/, '')

function dial({ host, port }: Target): Promise<string> {
  return new Promise((done, fail) => {
    const socket = createConnection({ host, port })
    const late = setTimeout(() => {
      socket.destroy()
      fail(new Error(`no answer in ${DIAL_MS_MAX} ms`))
    }, DIAL_MS_MAX)
    let text = ''
    socket.on('data', part => (text += part.toString()))
    socket.on('end', () => done(text.trim()))
    socket.on('error', fail)
    socket.on('close', () => clearTimeout(late))
  })
}

function relay(from: Listening, to: Listening): Promise<string> {
  const join = (near: Socket): void => {
    const far = createConnection(to)
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => other.destroy()).pipe(other)
  }
  return new Promise((done, fail) =>
    createServer(join)
      .on('error', fail)
      .listen(from, () => done('relaying')),
  )
}

async function work({ id, dial: target, relay: both }: Ask): Promise<void> {
  try {
    reply({ id, text: target ? await dial(target) : both ? await relay(both.from, both.to) : '' })
  } catch (error) {
    reply({ id, error: messageOf(error) })
  }
}

const [name = ''] = process.argv.slice(2)
if (name !== '') {
  createServer(socket =>
    socket.on('error', () => undefined).end(`${name} sees ${plain(socket.remoteAddress)}\n`),
  ).listen({ host: '::', port: PORT }, () => reply({ id: 0 }))
  createInterface({ input: process.stdin }).on('line', line => void work(JSON.parse(line) as Ask))
}
