// Plans on paper: each case of plans/ is an observed state, and the text of what
// macvlan-wrapper decides for it. No kernel, no root.
import t from 'tap'
import { testPlans } from '../../fixtures/plan-cases.js'
import { macvlanText } from '../../fixtures/plan-texts.js'

testPlans(t, new URL('plans/', import.meta.url), macvlanText)
