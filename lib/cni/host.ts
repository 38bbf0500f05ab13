// What the node agent lends a call that it runs in its own process. An executable has none of it:
// it may wait in system calls, and everything of the node is where it says. Types only.

/** A request of the agent's own socket protocol. */
export interface HostRequest {
  readonly method: 'GET' | 'POST' | 'DELETE'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: unknown
}

export interface HostResponse {
  readonly status: number
  readonly body: string
}

export interface CallHost {
  /** Sends a request to the agent, which is this process. Never rejects. */
  readonly ask: (request: HostRequest) => Promise<HostResponse>
  /** Writes to the stderr of the call. */
  readonly warn: (text: string) => void
  /** Where the sysctls can be written, with a slash at the end: a container's /proc/sys cannot. */
  readonly sysctls: string
}
