// Check `language`: type names, doc comments, import cycles, banned words, width of comments.
import { posix } from 'node:path'
import { readdirSync, readFileSync } from 'node:fs'
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
import { isGenerated, lineAt, report, ROOT, sources, startOf, walk, type Finding, type Source } from './source-tree.js'

/** What ships: its exported type names are unique. */
const PRODUCT = /^(lib|plugins|daemons|cmd)\//
/** Where every exported function has a doc comment. */
const DOCUMENTED = /^(lib|plugins)\//
const COMMENT_COLUMNS_MAX = 100
/** Words of a private dialect that the field does not use; docs/glossary.md has the field's. */
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
/** They quote the banned words; decisions before 0020, which set this rule, are never edited. */
const MAY_QUOTE =
  /^(scripts\/check-language\.ts|test\/scripts\/checkers\.test\.ts|docs\/glossary\.md|decisions\/00[01]\d-.*)$/
const PAGES = ['.md', '.sh', '.yaml', 'Makefile']

const isExported = (node: Node, source: Source): boolean =>
  /^export\b/.test(source.text.slice(startOf(node, source.root), startOf(node, source.root) + 7))

/** The comments directly before a node. */
const commentsBefore = (node: Node, { text, root }: Source): string => text.slice(node.pos, startOf(node, root))

function repeatedTypes(files: readonly Source[]): readonly Finding[] {
  const exports = new Map<string, { path: string; line: number }[]>()
  for (const source of files.filter(({ path }) => PRODUCT.test(path)))
    source.root.forEachChild(node => {
      const isType = isInterfaceDeclaration(node) || isTypeAliasDeclaration(node) || isClassDeclaration(node)
      if (!isType || !isExported(node, source)) return undefined
      const name = node.name?.getText(source.root) ?? ''
      const line = lineAt(source.text, startOf(node, source.root))
      exports.set(name, [...(exports.get(name) ?? []), { path: source.path, line }])
      return undefined
    })
  return [...exports].flatMap(([name, [first, ...more]]) =>
    more.map(place => ({ ...place, message: `type ${name} is also exported by ${first?.path}; rename one` })),
  )
}

function undocumented(files: readonly Source[]): readonly Finding[] {
  const found: Finding[] = []
  for (const source of files.filter(({ path }) => DOCUMENTED.test(path)))
    source.root.forEachChild(node => {
      if (!isExported(node, source)) return undefined
      const name = functionName(node, source)
      if (name !== undefined && !commentsBefore(node, source).includes('/**'))
        found.push({
          path: source.path,
          line: lineAt(source.text, startOf(node, source.root)),
          message: `exported function ${name} has no doc comment`,
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

/** Finds files that import each other, directly or not, also where only types are imported. */
function cycles(files: readonly Source[]): readonly Finding[] {
  const edges = new Map(files.map(source => [source.path, importsOf(source)]))
  const found: Finding[] = []
  const state = new Map<string, 'open' | 'done'>()
  const stack: string[] = []
  const visit = (path: string): void => {
    state.set(path, 'open')
    stack.push(path)
    for (const next of edges.get(path) ?? []) {
      if (!edges.has(next)) continue
      if (state.get(next) === 'open') {
        const cycle = [...stack.slice(stack.indexOf(next)), next].join(' → ')
        found.push({ path, line: 1, message: `import cycle: ${cycle}; move what both need to a third file` })
      } else if (!state.has(next)) visit(next)
    }
    stack.pop()
    state.set(path, 'done')
  }
  for (const path of edges.keys()) if (!state.has(path)) visit(path)
  return found
}

/** Static imports and exports; `import()` loads lazily and may close a cycle. */
function importsOf({ path, root }: Source): readonly string[] {
  const found: string[] = []
  walk(root, node => {
    if (!isStringLiteral(node) || !node.text.startsWith('.')) return
    const { kind } = node.parent
    if (kind === SyntaxKind.ImportDeclaration || kind === SyntaxKind.ExportDeclaration)
      found.push(posix.normalize(posix.join(posix.dirname(path), node.text)).replace(/\.js$/, '.ts'))
  })
  return found
}

const COMMENT = /^\s*(?:\/\/|\*|\/\*)/

function wideComments({ path, text }: Source): readonly Finding[] {
  return text
    .split('\n')
    .flatMap((line, at) =>
      COMMENT.test(line) && line.length > COMMENT_COLUMNS_MAX && !/https?:\/\//.test(line)
        ? [{ path, line: at + 1, message: `a comment of ${line.length} columns; ${COMMENT_COLUMNS_MAX} at most` }]
        : [],
    )
}

function bannedWords({ path, text }: Pick<Source, 'path' | 'text'>): readonly Finding[] {
  if (MAY_QUOTE.test(path)) return []
  return text.split('\n').flatMap((line, at) => {
    const word = BANNED.map(pattern => pattern.exec(line)?.[0]).find(one => one !== undefined)
    if (word === undefined) return []
    return [{ path, line: at + 1, message: `banned word “${word}”; use the field's term (docs/glossary.md)` }]
  })
}

/** Returns the tracked pages of the repository, or all of another folder. */
function pages(folder: string | undefined): readonly Pick<Source, 'path' | 'text'>[] {
  const names =
    folder === undefined
      ? execFileSync('git', ['ls-files'], { cwd: ROOT, encoding: 'utf8' }).trim().split('\n')
      : readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names
    .filter(path => PAGES.some(end => path.endsWith(end)))
    .map(path => ({ path, text: readFileSync(`${folder ?? ROOT}${path}`, 'utf8') }))
}

const folder = process.argv[2]
const written = sources(folder).filter(({ path }) => !isGenerated(path) && !path.endsWith('.d.ts'))
report('check-language', [
  ...repeatedTypes(written),
  ...undocumented(written),
  ...cycles(written),
  ...written.flatMap(wideComments),
  ...[...written, ...pages(folder)].flatMap(bannedWords),
])
