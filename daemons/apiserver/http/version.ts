// What /version says: the Kubernetes API that is inVersionOf, with our own name behind it. Knows no request.
import { VERSION_TEXT } from '../../../lib/version.js'

/** k8s.io/apimachinery/pkg/version.Info. The minor is what clients measure their own distance to. */
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
