// Which part may import what, and who may touch the process, the clock and chance. ARCHITECTURE.md says the same in words.
import { isCallExpression, isPropertyAccessExpression, isStringLiteral } from 'typescript/unstable/ast/is'
import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import { posix } from 'node:path'
import { isGenerated, lineAt, sources, startOf, tell, walk, type Finding, type Source } from './source-tree.js'
import { LEAVES, MAY, MAY_FILES, PROCESS, PURE } from './boundaries.js'

/** The key of `table` that is the longest path holding `path`. */
const keyOf = (path: string, table: object): string | undefined =>
  Object.keys(table)
    .filter(key => path === key || path.startsWith(`${key}/`))
    .sort((a, b) => b.length - a.length)[0]

const holds = (part: string, path: string): boolean => path === part || path.startsWith(`${part}/`)

/** What a module specifier means: a path of the repository, or the name of a package or `node:` module. */
function targetOf(from: string, specifier: string): string {
  if (specifier.startsWith('.'))
    return posix.normalize(posix.join(posix.dirname(from), specifier)).replace(/\.js$/, '.ts')
  if (/^(node|bun):/.test(specifier)) return specifier
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function specifierOf(node: Node): string | undefined {
  if (!isStringLiteral(node)) return undefined
  switch (node.parent.kind) {
    case SyntaxKind.ImportDeclaration:
    case SyntaxKind.ExportDeclaration:
    case SyntaxKind.ExternalModuleReference:
      return node.text
    case SyntaxKind.LiteralType:
      return node.parent.parent.kind === SyntaxKind.ImportType ? node.text : undefined
    case SyntaxKind.CallExpression:
      return /^(import|require)\(/.test(node.parent.getText()) ? node.text : undefined
    default:
      return undefined
  }
}

function mayImport(path: string, target: string): boolean {
  const part = keyOf(path, MAY)
  if (part === undefined) return false
  if (holds(part, target)) return true
  const allowed = [...LEAVES, ...(MAY[part] ?? []), ...(MAY_FILES[path] ?? [])]
  return allowed.some(entry => entry === '*' || holds(entry, target))
}

function importsOf(source: Source): readonly Finding[] {
  const found: Finding[] = []
  walk(source.root, node => {
    const specifier = specifierOf(node)
    if (specifier === undefined) return
    const target = targetOf(source.path, specifier)
    if (mayImport(source.path, target)) return
    const part = keyOf(source.path, MAY) ?? 'a part that scripts/boundaries.ts does not list'
    found.push({
      path: source.path,
      line: lineAt(source.text, startOf(node, source.root)),
      says: `${part} may not import ${target}`,
    })
  })
  return found
}

const TOUCHES = /^process\.(env|argv|argv0|exit|exitCode|stdin|stdout|stderr|on|once)$/
/** What is only run by hand may end itself. */
const STARTS = /^(scripts|bench|demo|test)\//
const CLOCK_OR_CHANCE = /^(Date\.now|Math\.random|performance\.now|crypto\.\w+)$/

/** `process` outside the edges; in pure files also the clock, chance and anything that waits. */
function touchesOf({ path, text, root }: Source): readonly Finding[] {
  const found: Finding[] = []
  const edge = PROCESS.some(pattern => pattern.test(path))
  const pure = PURE.some(pattern => pattern.test(path))
  walk(root, node => {
    const add = (says: string): void => void found.push({ path, line: lineAt(text, startOf(node, root)), says })
    if (isPropertyAccessExpression(node)) {
      const name = node.getText(root)
      if (!edge && TOUCHES.test(name)) add(`\`${name}\` belongs to the edge of the program`)
      if (!STARTS.test(path) && name === 'process.exit' && isCallExpression(node.parent))
        add('no part of the image calls `process.exit`; set `process.exitCode`')
      if (pure && CLOCK_OR_CHANCE.test(name)) add(`\`${name}\` in a pure file; make it an argument`)
    }
    if (pure && (node.kind === SyntaxKind.AsyncKeyword || node.kind === SyntaxKind.AwaitExpression))
      add('a pure file waits for nothing')
    if (pure && node.kind === SyntaxKind.NewExpression && node.getText(root) === 'new Date()')
      add('`new Date()` in a pure file; make it an argument')
  })
  return found
}

/** A row for a part that no longer exists would quietly allow its name to a later one. */
function stale(paths: readonly string[]): readonly Finding[] {
  return [...Object.keys(MAY), ...Object.keys(MAY_FILES)]
    .filter(key => !paths.some(path => holds(key, path)))
    .map(key => ({ path: 'scripts/boundaries.ts', line: 1, says: `a row for ${key}, and no such file` }))
}

const files = sources(process.argv[2]).filter(({ path }) => !path.endsWith('.d.ts'))
const ours = files.filter(({ path }) => !isGenerated(path))
tell('check-boundaries', [
  ...files.flatMap(importsOf),
  ...ours.flatMap(source => touchesOf(source)),
  ...stale(files.map(({ path }) => path)),
])
