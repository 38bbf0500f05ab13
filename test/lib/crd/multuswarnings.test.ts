// Warnings for unknown keys in the confs of a SpiderMultusConfig.
import t from 'tap'
import { multusWarnings } from '../../../lib/crd/multuswarnings.js'

const said = (field: string, path: string, meant: string): string =>
  `${field}: ${path} of the CNI conf is unknown and has no effect; did you mean ${meant}?`
const rows = [
  ['no confs', {}, []],
  ['a conf that is right', { customCNI: '{"cniVersion":"1.0.0","type":"macvlan-wrapper","master":"eth0"}' }, []],
  ['a plugin that is not ours', { customCNI: '{"type":"bridge","brigde":"x"}' }, []],
  ['no JSON', { customCNI: '{', chainCNIJsonData: ['', '[]', 'null'] }, []],
  [
    'a list of plugins, one with our IPAM',
    {
      customCNI:
        '{"plugins":[{"type":"bridge","x":1,"ipam":{"type":"spiderpool","owners":"pod"}},{"type":"ifacer","vlanIDD":5}]}',
    },
    [said('spec.customCNI', 'ipam.owners', 'owner'), said('spec.customCNI', 'vlanIDD', 'vlanID')],
  ],
  [
    'a chained plugin',
    { chainCNIJsonData: ['{"type":"tuning"}', '{"type":"coordinator","mod":"auto"}'] },
    [said('spec.chainCNIJsonData[1]', 'mod', 'mode')],
  ],
] as const
for (const [name, spec, warnings] of rows)
  t.strictSame(multusWarnings({ metadata: { name: 'n' }, spec } as never), warnings, `multusWarnings() of ${name}`)
