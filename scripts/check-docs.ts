// Part of `make lint`: every relative link and anchor of the Markdown files leads somewhere, every
// page of docs/ is in the site's navigation, and a translated page says which text it translates.
// `--translated PAGE…` records that a page of docs/zh is in step with its English original.
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { ROOT } from './source-tree.js'

const FOLDERS = ['docs', 'decisions', 'charts', 'daemons', 'plugins', 'lib', 'e2e', 'test', 'cmd', 'client']
/** English pages are translated where a page of this folder has their name. */
const TRANSLATIONS = 'docs/zh'
/** Pages that exist for the site alone, or are included elsewhere. */
const NOT_IN_NAVIGATION = new Set(['index.md'])

const findings: string[] = []

function markdownFiles(): readonly string[] {
  const inFolders = FOLDERS.filter(folder => existsSync(ROOT + folder)).flatMap(folder =>
    readdirSync(ROOT + folder, { recursive: true, encoding: 'utf8' })
      .filter(name => name.endsWith('.md') && !name.includes('node_modules'))
      .map(name => join(folder, name)),
  )
  return [...readdirSync(ROOT).filter(name => name.endsWith('.md')), ...inFolders].sort()
}

const read = (file: string): string => readFileSync(ROOT + file, 'utf8')

/** Without fenced blocks and inline code, where links and headings are text. */
const prose = (text: string): string => text.replaceAll(/^ *(```|~~~)[\s\S]*?^ *\1$/gm, '')

/** GitHub's anchor of a heading, with `-1` and on for those that come again. */
function anchorsOf(file: string): ReadonlySet<string> {
  const seen = new Map<string, number>()
  const anchors = new Set<string>()
  const text = prose(read(file))
  for (const [, heading = ''] of text.matchAll(/^#{1,6} +(.*?) *$/gm)) {
    const slug = heading
      .replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1')
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N}\p{M} _-]/gu, '')
      .replaceAll(' ', '-')
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  for (const [, id = ''] of text.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
  return anchors
}

function checkLinks(file: string): void {
  const text = prose(read(file)).replaceAll(/`[^`\n]*`/g, code => 'x'.repeat(code.length))
  for (const [, target = ''] of text.matchAll(/\]\(([^)\s]+)(?: "[^"]*")?\)/g)) {
    if (/^[a-z]+:/.test(target)) continue
    const [path = '', anchor] = target.split('#')
    const linked = path === '' ? file : normalize(join(dirname(file), decodeURI(path)))
    if (!existsSync(ROOT + linked)) findings.push(`${file}: ${target} leads to no file`)
    else if (anchor !== undefined && linked.endsWith('.md') && !anchorsOf(linked).has(decodeURI(anchor)))
      findings.push(`${file}: ${target} leads to no heading of ${linked}`)
  }
}

const digestOf = (file: string): string => createHash('sha256').update(read(file)).digest('hex').slice(0, 12)

const HEAD = /^---\ntranslates: (\S+)\n(?:of: (\S+)\n)?---\n/

function checkTranslation(file: string): void {
  const [head, page = '', of] = HEAD.exec(read(file)) ?? []
  if (head === undefined)
    return void findings.push(`${file} does not begin with "translates: PAGE.md" in its front matter`)
  const original = `docs/${page}`
  if (!existsSync(ROOT + original)) findings.push(`${file} translates ${original}, which is not there`)
  else if (of !== digestOf(original))
    findings.push(
      `${file} is stale: ${original} has changed since; bring it up to date, then: npx tsx scripts/check-docs.ts --translated ${file}`,
    )
}

const translations = (): readonly string[] => markdownFiles().filter(file => file.startsWith(`${TRANSLATIONS}/`))

function checkNavigation(): void {
  const navigation = read('site/.vitepress/config.mts')
  for (const name of readdirSync(`${ROOT}docs`).filter(file => file.endsWith('.md')))
    if (!NOT_IN_NAVIGATION.has(name) && !navigation.includes(`'/${name.slice(0, -3)}'`))
      findings.push(`docs/${name} is not in the navigation of site/.vitepress/config.mts`)
}

const args = process.argv.slice(2)
if (args[0] === '--translated') {
  for (const file of args.length > 1 ? args.slice(1) : translations()) {
    const [head, page = ''] = HEAD.exec(read(file)) ?? []
    if (head === undefined) throw new Error(`${file} does not begin with "translates: PAGE.md" in its front matter`)
    writeFileSync(
      ROOT + file,
      read(file).replace(HEAD, `---\ntranslates: ${page}\nof: ${digestOf(`docs/${page}`)}\n---\n`),
    )
  }
} else {
  markdownFiles().forEach(checkLinks)
  translations().forEach(checkTranslation)
  checkNavigation()
  console.log([...findings, `check-docs: ${findings.length} findings`].join('\n'))
  if (findings.length > 0) process.exitCode = 1
}
