// The `ipam` object: as lenient as Go; anything else is refused with key and value.
import t from 'tap'
import { ipamConf } from '../../../../lib/ipam/cni/conf.js'

t.test('ipamConf() defaults', t => {
  t.match(ipamConf({ ipam: { type: 'spiderpool' } }), {
    logLevel: 'debug',
    logFile: '/var/log/spidernet/spiderpool.log',
    logMaxSize: 10,
    logMaxAge: 0,
    logMaxCount: 2,
    ipv4: [],
    cleanGateway: false,
  })
  t.end()
})

const good = [
  { ipam: { LOG_LEVEL: 'WARN' }, is: { logLevel: 'warn' } },
  { ipam: { log_file_max_size: 0, log_file_max_count: 0 }, is: { logMaxSize: 0, logMaxCount: 0 } },
  { ipam: { log_file_max_size: '100' }, is: { logMaxSize: 100 } },
  { ipam: { log_file_max_size: 100, log_file_max_age: -1 }, is: { logMaxSize: 100, logMaxAge: -1 } },
  { ipam: { default_ipv4_ippool: null, Default_IPv6_ippool: ['a'] }, is: { ipv4: [], ipv6: ['a'] } },
  { ipam: { clean_gateway: true, unknown: 1 }, is: { cleanGateway: true } },
  { ipam: { kubeconfig: '/x' }, is: { kubeconfig: '/x' } },
]
for (const { ipam, is } of good)
  t.test(`ipamConf() ${JSON.stringify(ipam)}`, t => {
    t.match(ipamConf({ ipam }), is)
    t.end()
  })

const bad = [
  { conf: {}, why: 'ipam is missing; it must be an object such as {"type":"spiderpool"}' },
  { conf: { ipam: [] }, why: 'ipam is []; it must be an object such as {"type":"spiderpool"}' },
  {
    conf: { ipam: { log_level: 'loud' } },
    why: 'ipam.log_level is "loud"; it must be one of debug, info, warn, error, fatal, panic',
  },
  { conf: { ipam: { log_file_max_size: 1.5 } }, why: 'ipam.log_file_max_size is 1.5; it must be a whole number' },
  { conf: { ipam: { log_file_path: 3 } }, why: 'ipam.log_file_path is 3; it must be a string' },
  {
    conf: { ipam: { default_ipv4_ippool: 'a' } },
    why: 'ipam.default_ipv4_ippool is "a"; it must be a list of SpiderIPPool names',
  },
  { conf: { ipam: { clean_gateway: 'yes' } }, why: 'ipam.clean_gateway is "yes"; it must be true or false' },
  {
    conf: { ipam: { match_master_subnet: 1 } },
    why: 'ipam.match_master_subnet is 1; it must be true or false',
  },
]
for (const { conf, why } of bad)
  t.test(`ipamConf() refuses ${JSON.stringify(conf)}`, t => {
    t.throws(() => ipamConf(conf), { message: why, code: 7 })
    t.end()
  })
