// What a plugin in the agent asks the agent: the socket's API without a socket.
import { messageOf } from '../../../lib/errors.js'
import type { HostRequest, HostResponse } from '../../../lib/cni/host.js'
import { HttpRefusal, type ServedAnswer, type ServedHandler } from '../http/request.js'

/** Sends requests of plugins to the handler. The result never rejects. */
export const askHandler =
  (handler: ServedHandler) =>
  async ({ method, path, headers = {}, body }: HostRequest): Promise<HostResponse> => {
    const named = new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]))
    const request = {
      ...{ method, path, query: new URLSearchParams(), header: (name: string) => named.get(name) ?? '' },
      body: body === undefined ? '' : JSON.stringify(body),
    }
    try {
      return await responseOf(await handler(request))
    } catch (error) {
      const status = error instanceof HttpRefusal ? error.status : 500
      return { status, body: JSON.stringify(messageOf(error)) }
    }
  }

async function responseOf(answer: ServedAnswer): Promise<HostResponse> {
  if ('stream' in answer) return { status: 200, body: JSON.stringify(await answer.stream(() => false)) }
  return { status: answer.status, body: answer.json === undefined ? '' : JSON.stringify(answer.json) }
}
