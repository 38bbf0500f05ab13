// What an answer means: the sentence of a client that is not known, by the file that has its
// credentials.
import t from 'tap'
import { judge } from '../../../lib/kube/outcome.js'
import { DEFAULT_KUBECONFIG } from '../../../lib/kube/entry.js'

const request = { method: 'GET', path: '/api', timeoutMs: 1 } as const
const answer = { status: 401, retryAfter: null, text: '{"kind":"Status","message":"Unauthorized"}' }

for (const [from, says] of [
  [
    DEFAULT_KUBECONFIG,
    `certificate of ${DEFAULT_KUBECONFIG} is wrong or has expired; the node agent writes that file: does its pod run on this node?`,
  ],
  ['/root/k', 'certificate of /root/k is wrong or has expired; put valid credentials there'],
  [undefined, 'certificate of the kubeconfig is wrong or has expired; put valid credentials there'],
] as const)
  t.test(`judge() of 401 names the file and who writes it: ${from ?? 'none'}`, t => {
    const outcome = judge(answer, { server: 'https://s', request, from })
    t.match(outcome, {
      kind: 'refused',
      error: {
        status: 401,
        message: `the API server https://s does not know the client: Unauthorized; the token or client ${says}`,
      },
    })
    t.end()
  })
