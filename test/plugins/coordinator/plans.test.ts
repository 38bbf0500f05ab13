// Plans on paper: each case of plans/ is an observed state and the text of the plan. No kernel, no
// root.
import t from 'tap'
import { testPlans } from '../../fixtures/plan-cases.js'
import { coordinatorText } from '../../fixtures/plan-texts.js'

testPlans(t, new URL('plans/', import.meta.url), coordinatorText)
