// A request and its answer as the API sees them. Knows no socket.

export interface ServedRequest {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly header: (name: string) => string
  readonly body: string
}

/**
 * Without `json` the body is empty. `stream`: blanks at once and while it runs, then its value;
 * `isGone` is true once the client has closed.
 */
export type ServedAnswer =
  { readonly status: number; readonly json?: unknown } | { readonly stream: (isGone: () => boolean) => Promise<object> }

/** Answers a request; what it throws becomes 500 with the message. */
export type ServedHandler = (request: ServedRequest) => ServedAnswer | Promise<ServedAnswer>

/** A refusal with its status; the body is the sentence as a JSON string, as the Go agent has it. */
export class HttpRefusal extends Error {
  readonly status: number

  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

/**
 * The body as a JSON object.
 * @throws HttpRefusal 400
 */
export function objectIn({ body, method, path }: ServedRequest): Readonly<Record<string, unknown>> {
  let value: unknown
  try {
    value = JSON.parse(body)
  } catch (error) {
    throw new HttpRefusal(
      400,
      `the body of ${method} ${path} is no JSON: ${error instanceof Error ? error.message : ''}`,
    )
  }
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  throw new HttpRefusal(400, `the body of ${method} ${path} is ${JSON.stringify(value)}; it must be a JSON object`)
}
