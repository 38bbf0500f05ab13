// `make generate`: validators, types, docs/conf.md and the table of docs/coordinator.md from
// schemas/netconf; types, defaults and guards from schemas/crds; the chart's CRDs and its table of
// values, the manifest without Helm; the tables of docs/controller.md and docs/agent.md. `--check`
// writes nothing and fails where a byte differs.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Ajv as AjvClass } from 'ajv'
import { format, resolveConfig } from 'prettier'
import { parse, stringify } from 'yaml'
import { nodePolicy } from '../daemons/controller/webhooks/node-policy.js'
import { crdDefaultsOf, crdGuardsOf, crdTypesOf, type CrdSchema } from './crds.js'
import { bare, docsOf, keysOf, keyTableOf, typesOf, type Schema } from './netconf.js'
import { manifest } from './manifest.js'
import { OPTION_TABLES, withOptionTables } from './options-tables.js'
import { ROOT } from './source-tree.js'
import { valuesTable } from './values-table.js'

// ajv is CommonJS with a default export: only so do Node and TypeScript agree on its type.
const require = createRequire(import.meta.url)
const { Ajv } = require('ajv') as { Ajv: typeof AjvClass }
const standaloneCode = (require('ajv/dist/standalone') as { default: (ajv: AjvClass, validate: unknown) => string })
  .default

const FROM = 'schemas/netconf'
const TO = `${FROM}/generated`
const CRDS = 'schemas/crds'
const CRDS_TO = `${CRDS}/generated`
const noteOf = (from: string): string => `// Made by scripts/generate.ts from ${from}. Not edited.\n`
const NOTE = noteOf(FROM)

const there = (path: string): string => (existsSync(`${ROOT}${path}`) ? readFileSync(`${ROOT}${path}`, 'utf8') : '')

async function pretty(path: string, text: string, parser: string): Promise<readonly [string, string]> {
  return [path, await format(text, { ...(await resolveConfig(`${ROOT}${path}`)), parser })]
}

/**
 * It stops at the first fault, the only one reported; it imports nothing, so that nothing else is
 * loaded.
 */
function validatorOf(schema: Schema): string {
  const ajv = new Ajv({
    code: { source: true, esm: true, optimize: 2 },
    strict: true,
    allowUnionTypes: true,
    messages: false,
  })
  const code = standaloneCode(ajv, ajv.compile(bare(schema)))
  if (/\brequire\(|^import /m.test(code)) throw new Error(`${schema.title}: the validator needs a module at run time`)
  return `${code}\nexport const keys = ${JSON.stringify(keysOf(schema))};\n`
}

/** Where a guide has the table of a plugin's keys. */
const KEYS = /(<!-- keys: make generate -->\n)[^]*?(<!-- end -->)/

/** `docs/NAME.md` with the table of its keys, if it has a place for one. */
function guideOf(name: string, schema: Schema): readonly Promise<GeneratedFile>[] {
  const path = `docs/${name}.md`
  const text = there(path)
  return KEYS.test(text)
    ? [
        pretty(
          path,
          text.replace(KEYS, (_, begin, end) => `${begin}\n${keyTableOf(schema)}\n${end}`),
          'markdown',
        ),
      ]
    : []
}

type GeneratedFile = readonly [path: string, text: string]

async function fromNetconf(): Promise<readonly GeneratedFile[]> {
  const names = readdirSync(`${ROOT}${FROM}`)
    .filter(file => file.endsWith('.json'))
    .map(file => file.slice(0, -'.json'.length))
    .sort()
  const schemas = names.map(name => ({
    name,
    schema: JSON.parse(readFileSync(`${ROOT}${FROM}/${name}.json`, 'utf8')) as Schema,
  }))
  return Promise.all([
    ...schemas.map(({ name, schema }) => pretty(`${TO}/${name}.js`, NOTE + validatorOf(schema), 'babel')),
    ...schemas.map(({ name, schema }) => pretty(`${TO}/${name}.d.ts`, NOTE + typesOf(schema), 'typescript')),
    pretty('docs/conf.md', docsOf(schemas.map(({ schema }) => schema)), 'markdown'),
    ...schemas.flatMap(({ name, schema }) => guideOf(name, schema)),
  ])
}

interface CustomResourceDefinition {
  readonly spec: {
    readonly group: string
    readonly names: { readonly kind: string }
    readonly versions: readonly { readonly schema: { readonly openAPIV3Schema: CrdSchema } }[]
  }
}

/** The kinds of our own API group; a NetworkAttachmentDefinition is typed by hand in lib/crd. */
async function fromCrds(): Promise<readonly GeneratedFile[]> {
  const schemas = readdirSync(`${ROOT}${CRDS}`)
    .filter(file => file.endsWith('.yaml'))
    .sort()
    .map(file => (parse(readFileSync(`${ROOT}${CRDS}/${file}`, 'utf8')) as CustomResourceDefinition).spec)
    .filter(({ group }) => group === 'spiderpool.spidernet.io')
    .flatMap(({ names, versions }) => versions.map(({ schema }) => [names.kind, schema.openAPIV3Schema] as const))
  const byKind = Object.fromEntries(schemas)
  return Promise.all([
    pretty(`${CRDS_TO}/types.ts`, noteOf(CRDS) + crdTypesOf(byKind), 'typescript'),
    pretty(`${CRDS_TO}/defaults.ts`, noteOf(CRDS) + crdDefaultsOf(byKind), 'typescript'),
    pretty(`${CRDS_TO}/guards.ts`, noteOf(CRDS) + crdGuardsOf(byKind), 'typescript'),
  ])
}

const CHART = 'charts/spiderpool'

/** Files of the chart that repeat others: the CRDs, and the policy that the controller prints. */
async function fromChart(): Promise<readonly GeneratedFile[]> {
  const crds = readdirSync(`${ROOT}${CRDS}`).filter(file => file.endsWith('.yaml'))
  const values = { namespace: '{{ .Release.Namespace }}', account: '{{ .Values.spiderpoolAgent.name }}' }
  const labels = '{{- include "spiderpool.labels" (list . "node-policy") | nindent 4 }}'
  const policies = nodePolicy(values)
    .map(one => `---\n${stringify(one, { lineWidth: 0 })}`)
    .map(text => text.replace('    app.kubernetes.io/name: spiderpool', `    ${labels}`))
  return [
    ...crds.map(file => [`${CHART}/crds/${file}`, readFileSync(`${ROOT}${CRDS}/${file}`, 'utf8')] as const),
    [`${CHART}/files/node-policy.yaml`, policies.join('')],
  ]
}

/**
 * The manifest without Helm. It renders the chart on disk, so a change of the files above shows in
 * the next run.
 */
const fromManifest = async (): Promise<readonly GeneratedFile[]> => [
  await pretty('deploy/spiderpool.yaml', manifest(), 'yaml'),
]

const VALUES = /(<!-- values: make generate -->\n)[^]*?(<!-- end -->)/

const fromValues = async (): Promise<readonly GeneratedFile[]> => {
  const table = valuesTable(there(`${CHART}/values.yaml`))
  const text = there(`${CHART}/README.md`).replace(VALUES, (_, begin, end) => `${begin}\n${table}\n\n${end}`)
  return [await pretty(`${CHART}/README.md`, text, 'markdown')]
}

const fromOptions = (): Promise<readonly GeneratedFile[]> =>
  Promise.all(
    Object.entries(OPTION_TABLES).map(([path, tables]) =>
      pretty(path, withOptionTables(there(path), tables), 'markdown'),
    ),
  )

const isCheck = process.argv.includes('--check')
for (const folder of [TO, CRDS_TO, `${CHART}/crds`, `${CHART}/files`])
  mkdirSync(`${ROOT}${folder}`, { recursive: true })
const files = [fromNetconf, fromCrds, fromChart, fromManifest, fromValues, fromOptions]
for (const [path, text] of (await Promise.all(files.map(make => make()))).flat()) {
  if (there(path) === text) continue
  if (isCheck) {
    console.error(`generate: ${path} is not what its source makes of it; run: make generate`)
    process.exitCode = 1
  } else writeFileSync(`${ROOT}${path}`, text)
}
