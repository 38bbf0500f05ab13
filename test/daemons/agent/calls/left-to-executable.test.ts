// Which calls the agent leaves to the executable.
import t from 'tap'
import { whyFullImage, type PathView } from '../../../../daemons/agent/calls/left-to-executable.js'
import { mountedFiles } from '../../../../daemons/agent/node/node-files.js'

const files = {
  folder: (path: string): PathView => (path.startsWith('/seen') || path.startsWith('/run/') ? 'same' : 'other'),
  netns: (path: string): PathView => (path.startsWith('/far') ? 'other' : path.startsWith('/gone') ? 'gone' : 'same'),
}
const sockets = ['/var/run/spidernet/spiderpool.sock', '/run/a.sock']
const LOG = { logOptions: { logFile: '/seen/log' } }

const CASES: readonly (readonly [
  what: string,
  plugin: string,
  conf: unknown,
  why: RegExp | undefined,
  netns?: string,
])[] = [
  ['its own IPAM', 'macvlan-wrapper', { ipam: { type: 'spiderpool' } }, undefined],
  ['its own IPAM by the other name', 'macvlan-wrapper', { ipam: { type: 'spiderpool-ipam' } }, undefined],
  ['no IPAM', 'macvlan-wrapper', {}, undefined],
  ['a foreign IPAM', 'macvlan-wrapper', { ipam: { type: 'static' } }, /does not execute the IPAM static/],
  ['a foreign IPAM, its key in capitals', 'macvlan-wrapper', { IPAM: { Type: 'dhcp' } }, /the IPAM dhcp/],
  ['linkInContainer', 'macvlan-wrapper', { linkInContainer: true }, /linkInContainer/],
  ['linkInContainer false', 'macvlan-wrapper', { linkInContainer: false }, undefined],
  ['this agent’s socket', 'macvlan-wrapper', { ipam: { ipam_unix_socket_path: '/run/a.sock' } }, undefined],
  ['another socket', 'coordinator', { ...LOG, ipam: { ipam_unix_socket_path: '/run/b.sock' } }, /listen at .*b\.sock/],
  ['a log that is seen', 'coordinator', LOG, undefined],
  ['a log that is not seen', 'coordinator', { logOptions: { logFile: '/data/log' } }, /the folder \/data of the node/],
  ['the default log, not seen', 'ifacer', {}, /the folder \/var\/log\/spidernet/],
  ['no log but the default folder', 'coordinator', { logOptions: { logFile: '/dev/null' } }, /spidernet/],
  ['a namespace that is not seen', 'coordinator', LOG, /namespace \/far\/x/, '/far/x'],
  ['a namespace that is gone', 'coordinator', LOG, undefined, '/gone/x'],
  ['a conf that is a list', 'macvlan-wrapper', [], undefined],
]

for (const [what, plugin, conf, why, netns = '/n'] of CASES)
  t.test(`whyFullImage() of ${plugin}, ${what}`, async t => {
    const got = whyFullImage({ plugin, env: { CNI_NETNS: netns }, stdin: JSON.stringify(conf) }, { files, sockets })
    if (why === undefined) t.equal(got, undefined)
    else t.match(got, why)
  })

t.test('whyFullImage() leaves a conf that is no JSON to the plugin’s sentence', async t =>
  t.equal(whyFullImage({ plugin: 'macvlan-wrapper', env: {}, stdin: '{' }, { files, sockets }), undefined),
)

t.test('mountedFiles() takes only paths of mounted folders and of /proc for the node’s', async t => {
  const { folder, netns } = mountedFiles(['/var/log/spidernet', '/tmp'])
  t.equal(folder('/var/log/spidernet'), 'same')
  t.equal(folder('/var/log/spidernet/deeper'), 'same')
  t.equal(folder('/var/log/spidernet2'), 'other')
  t.equal(folder('/var/log/spidernet/../x'), 'other')
  t.equal(netns(`/proc/${process.pid}/ns/net`), 'same')
  t.equal(netns('/run/netns/x'), 'other', 'not mounted')
  t.equal(netns('/tmp/there-is-none'), 'gone')
  t.equal(netns('/tmp'), 'other', 'a namespace that was not propagated is a plain file')
})
