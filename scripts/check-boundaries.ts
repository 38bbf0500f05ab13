// Check `boundaries`: imports between parts, and uses of `process`, clock and randomness.
import { isCallExpression, isPropertyAccessExpression, isStringLiteral } from 'typescript/unstable/ast/is'
import { SyntaxKind, type Node } from 'typescript/unstable/ast'
import { posix } from 'node:path'
import { isGenerated, lineAt, sources, startOf, report, walk, type Finding, type Source } from './source-tree.js'
import { LEAVES, MAY, MAY_FILES, PROCESS, PURE } from './boundaries.js'

/** Returns the key of `table` that is the longest prefix of `path`. */
const keyOf = (path: string, table: object): string | undefined =>
  Object.keys(table)
    .filter(key => path === key || path.startsWith(`${key}/`))
    .sort((a, b) => b.length - a.length)[0]

const holds = (part: string, path: string): boolean => path === part || path.startsWith(`${part}/`)

/** Returns what a module specifier names: a path of the repository, a package, a `node:` module. */
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
      message: `${part} may not import ${target}`,
    })
  })
  return found
}

const PROCESS_API = /^process\.(env|argv|argv0|exit|exitCode|stdin|stdout|stderr|on|once)$/
/** Programs that may end themselves. */
const MAY_EXIT = /^(scripts|bench|demo|test)\//
const CLOCK_OR_RANDOMNESS = /^(Date\.now|Math\.random|performance\.now|crypto\.\w+)$/

/** Finds `process` outside the edge; in pure files also clock, randomness, `async` and `await`. */
function usesOf({ path, text, root }: Source): readonly Finding[] {
  const found: Finding[] = []
  const edge = PROCESS.some(pattern => pattern.test(path))
  const pure = PURE.some(pattern => pattern.test(path))
  walk(root, node => {
    const add = (message: string): void => void found.push({ path, line: lineAt(text, startOf(node, root)), message })
    if (isPropertyAccessExpression(node)) {
      const name = node.getText(root)
      if (!edge && PROCESS_API.test(name))
        add(`\`${name}\` outside the edge of the program (PROCESS in scripts/boundaries.ts)`)
      if (!MAY_EXIT.test(path) && name === 'process.exit' && isCallExpression(node.parent))
        add('the executable never calls `process.exit`; set `process.exitCode`')
      if (pure && CLOCK_OR_RANDOMNESS.test(name)) add(`\`${name}\` in a pure file; make it an argument`)
    }
    if (pure && (node.kind === SyntaxKind.AsyncKeyword || node.kind === SyntaxKind.AwaitExpression))
      add('a pure file has no `async` and no `await`')
    if (pure && node.kind === SyntaxKind.NewExpression && node.getText(root) === 'new Date()')
      add('`new Date()` in a pure file; make it an argument')
  })
  return found
}

/** A row of a part that no longer exists would silently apply to a later part of that name. */
function stale(paths: readonly string[]): readonly Finding[] {
  return [...Object.keys(MAY), ...Object.keys(MAY_FILES)]
    .filter(key => !paths.some(path => holds(key, path)))
    .map(key => ({ path: 'scripts/boundaries.ts', line: 1, message: `the row ${key} matches no file` }))
}

const files = sources(process.argv[2]).filter(({ path }) => !path.endsWith('.d.ts'))
const ours = files.filter(({ path }) => !isGenerated(path))
report('check-boundaries', [
  ...files.flatMap(importsOf),
  ...ours.flatMap(source => usesOf(source)),
  ...stale(files.map(({ path }) => path)),
])
