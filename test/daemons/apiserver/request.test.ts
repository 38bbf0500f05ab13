// Parsers of paths, media types, bodies and flags. Tables.
import t from 'tap'
import { parseFlags } from '../../../daemons/apiserver/flags.js'
import { decodeBody, negotiate, parseBody } from '../../../daemons/apiserver/http/content-type.js'
import { parseRequestPath } from '../../../daemons/apiserver/http/path.js'

const PATHS: readonly (readonly [path: string, route: readonly (string | undefined)[] | undefined])[] = [
  ['/api/v1/pods', ['', 'v1', 'pods', undefined, undefined, undefined]],
  ['/api/v1/namespaces', ['', 'v1', 'namespaces', undefined, undefined, undefined]],
  ['/api/v1/namespaces/a', ['', 'v1', 'namespaces', undefined, 'a', undefined]],
  ['/api/v1/namespaces/a/status', ['', 'v1', 'namespaces', undefined, 'a', 'status']],
  ['/api/v1/namespaces/a/pods', ['', 'v1', 'pods', 'a', undefined, undefined]],
  ['/api/v1/namespaces/a/pods/p/status', ['', 'v1', 'pods', 'a', 'p', 'status']],
  ['/apis/apps/v1/namespaces/a/deployments/d', ['apps', 'v1', 'deployments', 'a', 'd', undefined]],
  ['/apis/example.com/v1/things/x%2Fy', ['example.com', 'v1', 'things', undefined, 'x/y', undefined]],
  ['/api/v1/nodes/n/status/more', undefined],
  ['/api/v1/nodes/%zz', undefined],
  ['/other', undefined],
  ['/api/v1', undefined],
]
t.test('parseRequestPath() returns group, version, resource, namespace, name and subresource', async t => {
  for (const [path, route] of PATHS) {
    const found = parseRequestPath(path)
    const parts = found && [found.group, found.version, found.plural, found.namespace, found.name, found.subresource]
    t.strictSame(parts, route, path)
  }
})

const ACCEPTS: readonly (readonly [accept: string | null, form: string | undefined, type?: string])[] = [
  [null, 'object', 'json'],
  ['', 'object', 'json'],
  ['*/*', 'object', 'json'],
  ['application/json', 'object', 'json'],
  ['application/yaml', 'object', 'yaml'],
  ['application/vnd.kubernetes.protobuf, application/json', 'object', 'json'],
  ['application/json;as=Table;v=v1;g=meta.k8s.io,application/json', 'table', 'json'],
  ['application/json;as=Table;g=meta.k8s.io;v=v1beta1, application/json', 'table', 'json'],
  ['application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1', 'metadata', 'json'],
  ['application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1', 'metadata', 'json'],
  ['application/json;as=Nothing;g=meta.k8s.io;v=v1,application/json', 'object', 'json'],
  ['application/vnd.kubernetes.protobuf', undefined],
  ['text/html', undefined],
]
t.test('negotiate() takes the first supported form of Accept', async t => {
  for (const [accept, form, type] of ACCEPTS)
    if (form === undefined) t.throws(() => negotiate(accept), { code: 406 }, String(accept))
    else t.match(negotiate(accept), { form, type }, String(accept))
})

t.test('parseBody() parses JSON, and YAML by its Content-Type', async t => {
  const yaml = (text: string): unknown => {
    if (text === 'bad') throw new Error('bad')
    return { yaml: text }
  }
  t.strictSame(parseBody('{"a":1}', 'application/json; charset=utf-8', yaml), { a: 1 })
  t.strictSame(parseBody('a: 1', 'application/yaml', yaml), { yaml: 'a: 1' })
  t.throws(() => parseBody('a: 1', 'application/json', yaml), { code: 400 })
  t.throws(() => parseBody('{}', 'text/plain', yaml), { code: 415 })
  t.throws(() => decodeBody('bad', true, yaml), { code: 400, message: /as YAML/ })
})

const FLAGS: readonly (readonly [argv: readonly string[], wrong: RegExp])[] = [
  [[], /--data-dir is not given/],
  [['--data-dir'], /--data-dir needs a value/],
  [['--data-dir', 'd', '--listen', '0.0.0.0:80'], /only loopback addresses are served/],
  [['--data-dir', 'd', '--listen', '10.0.0.1:80'], /only loopback/],
  [['--data-dir', 'd', '--listen', '127.0.0.1'], /give HOST:PORT/],
  [['--data-dir', 'd', '--listen', '127.0.0.1:70000'], /give HOST:PORT/],
  [['--data-dir', 'd', '--listen', '127.0.0.1:0', '--unix', '/s'], /exclude each other/],
  [['--data-dir', 'd', '--nope'], /unknown flag --nope/],
  [['--data-dir', 'd', '--nope=x'], /unknown flag --nope; see --help/],
  [['--data-dir='], /--data-dir needs a value/],
  [['d'], /unknown argument "d"; see --help/],
  [['-d'], /unknown argument "-d"/],
  [['--', 'd'], /unknown flag --; see --help/],
  [['--data-dir', 'd', '--watch-history-max', '0'], /whole number above 0/],
]
t.test('parseFlags() rejects invalid flags by name', async t => {
  for (const [argv, wrong] of FLAGS) t.throws(() => parseFlags(argv), { message: wrong }, argv.join(' '))
})

t.test('parseFlags() accepts a space and an equals sign', async t => {
  const flags = parseFlags([
    '--data-dir=/d',
    '--listen',
    '[::1]:6443',
    '--no-embedded-controller',
    '--kubeconfig',
    '/k=1',
  ])
  t.match(flags, {
    dataDir: '/d',
    listen: { host: '::1', port: 6443 },
    embeddedController: false,
    admits: true,
    kubeconfig: '/k=1',
    unix: undefined,
  })
  t.match(parseFlags(['--data-dir', '/d']), {
    listen: { host: '127.0.0.1', port: 0 },
    kubeconfig: '/d/kubeconfig',
    embeddedController: true,
  })
})
