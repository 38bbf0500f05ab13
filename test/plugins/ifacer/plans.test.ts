// Plans on paper: each case of plans/ is an observed state, and the text of what ifacer decides
// for it. No kernel, no root.
import t from 'tap'
import { testPlans } from '../../fixtures/plan-cases.js'
import { ifacerText } from '../../fixtures/plan-texts.js'

testPlans(t, new URL('plans/', import.meta.url), ifacerText)
