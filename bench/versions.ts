// Start-up: CNI_COMMAND=VERSION of every executable, in turn with Debian's macvlan.
import { measure, median, residentMb, type Row } from './measure.js'
import { BIN, DEBIAN } from './stage.js'

const NAMES = ['macvlan-wrapper', 'spiderpool-ipam', 'spiderpool', 'coordinator', 'ifacer']
const ROUNDS = 21
const env = { CNI_COMMAND: 'VERSION' }

export async function versions(): Promise<readonly Row[]> {
  const rows: Row[] = []
  for (const name of NAMES) {
    const [ours, theirs]: [number[], number[]] = [[], []]
    const walls: number[] = []
    for (let round = 0; round < ROUNDS; round++) {
      const own = await measure({ file: `${BIN}/${name}`, env })
      ours.push(own.cpuMs)
      walls.push(own.wallMs)
      theirs.push((await measure({ file: `${DEBIAN}/macvlan`, env })).cpuMs)
    }
    const resident = median(Array.from({ length: 5 }, () => residentMb({ file: `${BIN}/${name}`, env })))
    rows.push(
      { what: `VERSION ${name}, CPU`, value: median(ours), unit: 'ms', bound: '<= 8 ms' },
      { what: `VERSION ${name}, wall`, value: median(walls), unit: 'ms' },
      { what: `VERSION ${name}, resident`, value: resident, unit: 'MB', bound: '<= 26 MB' },
      { what: `VERSION ${name}, CPU / Debian macvlan`, value: median(ours) / median(theirs) },
    )
  }
  return rows
}
