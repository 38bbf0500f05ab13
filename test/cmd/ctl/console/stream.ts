// A page's stream of changes, for tests.
import { request } from 'node:http'

export interface Stream {
  readonly status: number
  /** Data of the events so far. */
  events(): readonly { readonly pools?: readonly string[] }[]
  close(): void
}

/** Resolves with the headers. */
export function openStream(port: number): Promise<Stream> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: '127.0.0.1', port, path: '/api/v1/changes', agent: false }, answer => {
      let text = ''
      answer.on('data', (part: Buffer) => (text += part.toString()))
      answer.on('error', () => undefined) // it is closed
      resolve({
        status: answer.statusCode ?? 0,
        events: () =>
          [...text.matchAll(/^event: changed\ndata: (.*)\n\n/gm)].map(([, data = '']) => JSON.parse(data) as object),
        close: () => sent.destroy(),
      })
    })
    sent.on('error', reject)
    sent.end()
  })
}
