// The field's language as a program: unique type names, documented exports, no import cycle, no banned word, comments of at most 100 columns.
import { posix } from 'node:path'
import { readFileSync } from 'node:fs'
import { execFileSync } from 'node:child_process'
import {
  isArrowFunction,
  isClassDeclaration,
  isFunctionDeclaration,
  isInterfaceDeclaration,
  isStringLiteral,
  isTypeAliasDeclaration,
  isVariableStatement,
} from 'typescript/unstable/ast/is'
import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import { isGenerated, lineAt, ROOT, sources, startOf, tell, walk, type Finding, type Source } from './source-tree.js'

/** What ships: its exported type names are unique. */
const PRODUCT = /^(lib|plugins|daemons)\//
/** Where every exported function has a doc comment. */
const DOCUMENTED = /^(lib|plugins)\//
const COMMENT_COLUMNS_MAX = 100
/** Words of a private dialect that was here once; docs/glossary.md has the field's. */
const BANNED: readonly RegExp[] = [
  /\bshall\b/i,
  /\banew\b/i,
  /\bwhoever\b/i,
  /\bsomebody(?:’s|'s)?\b/i,
  /\bnobody(?:’s|'s)?\b/i,
  /\btold\b/i,
  /\blets? go\b/i,
  /\bwhole or not at all\b/i,
  /\bput aside\b/i,
  /\bwhat is amiss\b/i,
]

const isExported = (node: Node, source: Source): boolean =>
  /^export\b/.test(source.text.slice(startOf(node, source.root), startOf(node, source.root) + 7))

/** The text of the comments directly before a node: what a doc comment would stand in. */
const leading = (node: Node, { text, root }: Source): string => text.slice(node.pos, startOf(node, root))

function exportedTypes(files: readonly Source[]): readonly Finding[] {
  const places = new Map<string, { path: string; line: number }[]>()
  for (const source of files.filter(({ path }) => PRODUCT.test(path)))
    source.root.forEachChild(node => {
      const isType = isInterfaceDeclaration(node) || isTypeAliasDeclaration(node) || isClassDeclaration(node)
      if (!isType || !isExported(node, source)) return undefined
      const name = node.name?.getText(source.root) ?? ''
      const line = lineAt(source.text, startOf(node, source.root))
      places.set(name, [...(places.get(name) ?? []), { path: source.path, line }])
      return undefined
    })
  return [...places].flatMap(([name, at]) =>
    at.length < 2
      ? []
      : at.slice(1).map(place => ({ ...place, says: `exports type ${name}, which ${at[0]?.path} exports too` })),
  )
}

function undocumented(files: readonly Source[]): readonly Finding[] {
  const found: Finding[] = []
  for (const source of files.filter(({ path }) => DOCUMENTED.test(path)))
    source.root.forEachChild(node => {
      if (!isExported(node, source)) return undefined
      const name = functionName(node, source)
      if (name !== undefined && !leading(node, source).includes('/**'))
        found.push({
          path: source.path,
          line: lineAt(source.text, startOf(node, source.root)),
          says: `${name} has no doc comment`,
        })
      return undefined
    })
  return found
}

/** Of a function, or of a `const` that is an arrow function. */
function functionName(node: Node, { root }: Source): string | undefined {
  if (isFunctionDeclaration(node)) return node.name?.getText(root)
  if (!isVariableStatement(node)) return undefined
  for (const { name, initializer } of node.declarationList.declarations)
    if (initializer && isArrowFunction(initializer)) return name.getText(root)
  return undefined
}

/** Files that import each other, directly or by way of others, also where only types are imported. */
function cycles(files: readonly Source[]): readonly Finding[] {
  const edges = new Map(files.map(source => [source.path, importsOf(source)]))
  const found: Finding[] = []
  const state = new Map<string, 'open' | 'done'>()
  const way: string[] = []
  const visit = (path: string): void => {
    state.set(path, 'open')
    way.push(path)
    for (const next of edges.get(path) ?? []) {
      if (!edges.has(next)) continue
      if (state.get(next) === 'open')
        found.push({ path, line: 1, says: `an import cycle: ${[...way.slice(way.indexOf(next)), next].join(' → ')}` })
      else if (!state.has(next)) visit(next)
    }
    way.pop()
    state.set(path, 'done')
  }
  for (const path of edges.keys()) if (!state.has(path)) visit(path)
  return found
}

function importsOf({ path, root }: Source): readonly string[] {
  const found: string[] = []
  walk(root, node => {
    if (!isStringLiteral(node) || !node.text.startsWith('.')) return
    const isImport =
      node.parent.kind === SyntaxKind.ImportDeclaration || node.parent.kind === SyntaxKind.ExportDeclaration
    if (isImport) found.push(posix.normalize(posix.join(posix.dirname(path), node.text)).replace(/\.js$/, '.ts'))
  })
  return found
}

const COMMENT = /^\s*(?:\/\/|\*|\/\*)/

function wide(files: readonly Source[]): readonly Finding[] {
  return files.flatMap(({ path, text }) =>
    text
      .split('\n')
      .flatMap((line, at) =>
        COMMENT.test(line) && line.length > COMMENT_COLUMNS_MAX && !/https?:\/\//.test(line)
          ? [{ path, line: at + 1, says: `a comment of ${line.length} columns; ${COMMENT_COLUMNS_MAX} at most` }]
          : [],
      ),
  )
}

function banned(path: string, text: string): readonly Finding[] {
  return text.split('\n').flatMap((line, at) => {
    const word = BANNED.map(pattern => pattern.exec(line)?.[0]).find(one => one !== undefined)
    return word === undefined
      ? []
      : [{ path, line: at + 1, says: `“${word}” is not the field's language; see docs/glossary.md` }]
  })
}

function pages(): readonly Finding[] {
  const names = execFileSync('git', ['ls-files', '*.md', '*.sh', '*.yaml', 'Makefile'], { cwd: ROOT, encoding: 'utf8' })
  return names
    .trim()
    .split('\n')
    .filter(name => name !== 'docs/glossary.md')
    .flatMap(name => banned(name, readFileSync(`${ROOT}${name}`, 'utf8')))
}

const folder = process.argv[2]
const written = sources(folder).filter(({ path }) => !isGenerated(path) && !path.endsWith('.d.ts'))
const own = written.filter(
  ({ path }) => path !== 'scripts/check-language.ts' && path !== 'test/scripts/checkers.test.ts',
)
tell('check-language', [
  ...exportedTypes(written),
  ...undocumented(written),
  ...cycles(written),
  ...wide(own),
  ...own.flatMap(({ path, text }) => banned(path, text)),
  ...(folder === undefined ? pages() : []),
])
