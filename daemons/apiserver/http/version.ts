// The answer of /version.
import { VERSION_TEXT } from '../../../lib/version.js'

/** k8s.io/apimachinery/pkg/version.Info. kubectl computes its version skew from the minor. */
export const VERSION_INFO = {
  major: '1',
  minor: '32',
  gitVersion: 'v1.32.0+spiderpool',
  gitCommit: VERSION_TEXT,
  gitTreeState: 'clean',
  buildDate: '1970-01-01T00:00:00Z',
  goVersion: '',
  compiler: '',
  platform: 'linux',
}
