// `make generate`: validators, types and a page of documentation from schemas/netconf. `--check` writes nothing and fails where a byte differs.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Ajv as AjvClass } from 'ajv'
import { format, resolveConfig } from 'prettier'
import { bare, docsOf, keysOf, typesOf, type Schema } from './netconf.js'
import { ROOT } from './source-tree.js'

// ajv is CommonJS with a default export of its own: Node and TypeScript agree on what it is only this way.
const require = createRequire(import.meta.url)
const { Ajv } = require('ajv') as { Ajv: typeof AjvClass }
const standaloneCode = (require('ajv/dist/standalone') as { default: (ajv: AjvClass, validate: unknown) => string })
  .default

const FROM = 'schemas/netconf'
const TO = `${FROM}/generated`
const NOTE = '// Made by scripts/generate.ts from schemas/netconf. Not edited.\n'

async function pretty(path: string, text: string, parser: string): Promise<readonly [string, string]> {
  return [path, await format(text, { ...(await resolveConfig(`${ROOT}${path}`)), parser })]
}

/** Only the first fault is told, so the validator stops there; the code has no import, so that nothing else is loaded for it. */
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

async function generated(): Promise<readonly (readonly [path: string, text: string])[]> {
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
  ])
}

const isCheck = process.argv.includes('--check')
const there = (path: string): string => (existsSync(`${ROOT}${path}`) ? readFileSync(`${ROOT}${path}`, 'utf8') : '')
mkdirSync(`${ROOT}${TO}`, { recursive: true })
for (const [path, text] of await generated()) {
  if (there(path) === text) continue
  if (isCheck) {
    console.error(`generate: ${path} is not what its schema makes of it; run: make generate`)
    process.exitCode = 1
  } else writeFileSync(`${ROOT}${path}`, text)
}
