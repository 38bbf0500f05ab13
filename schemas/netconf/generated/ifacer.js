// Made by scripts/generate.ts from schemas/netconf. Not edited.
'use strict'
export const validate = validate10
export default validate10
const schema11 = {
  type: 'object',
  properties: {
    interfaces: { type: 'array', items: { type: 'string' } },
    vlanID: { type: 'integer' },
    bond: {
      type: 'object',
      properties: { name: { type: 'string' }, mode: { type: 'integer' }, options: { type: 'string' } },
    },
    mtu: { type: 'integer' },
    allowNodeNic: { type: 'boolean' },
    removeUnused: { type: 'boolean' },
  },
}
function validate10(data, { instancePath = '', parentData, parentDataProperty, rootData = data } = {}) {
  let vErrors = null
  let errors = 0
  if (errors === 0) {
    if (data && typeof data == 'object' && !Array.isArray(data)) {
      if (data.interfaces !== undefined) {
        let data0 = data.interfaces
        const _errs1 = errors
        if (errors === _errs1) {
          if (Array.isArray(data0)) {
            var valid1 = true
            const len0 = data0.length
            for (let i0 = 0; i0 < len0; i0++) {
              const _errs3 = errors
              if (typeof data0[i0] !== 'string') {
                validate10.errors = [
                  {
                    instancePath: instancePath + '/interfaces/' + i0,
                    schemaPath: '#/properties/interfaces/items/type',
                    keyword: 'type',
                    params: { type: 'string' },
                  },
                ]
                return false
              }
              var valid1 = _errs3 === errors
              if (!valid1) {
                break
              }
            }
          } else {
            validate10.errors = [
              {
                instancePath: instancePath + '/interfaces',
                schemaPath: '#/properties/interfaces/type',
                keyword: 'type',
                params: { type: 'array' },
              },
            ]
            return false
          }
        }
        var valid0 = _errs1 === errors
      } else {
        var valid0 = true
      }
      if (valid0) {
        if (data.vlanID !== undefined) {
          let data2 = data.vlanID
          const _errs5 = errors
          if (!(typeof data2 == 'number' && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
            validate10.errors = [
              {
                instancePath: instancePath + '/vlanID',
                schemaPath: '#/properties/vlanID/type',
                keyword: 'type',
                params: { type: 'integer' },
              },
            ]
            return false
          }
          var valid0 = _errs5 === errors
        } else {
          var valid0 = true
        }
        if (valid0) {
          if (data.bond !== undefined) {
            let data3 = data.bond
            const _errs7 = errors
            if (errors === _errs7) {
              if (data3 && typeof data3 == 'object' && !Array.isArray(data3)) {
                if (data3.name !== undefined) {
                  const _errs9 = errors
                  if (typeof data3.name !== 'string') {
                    validate10.errors = [
                      {
                        instancePath: instancePath + '/bond/name',
                        schemaPath: '#/properties/bond/properties/name/type',
                        keyword: 'type',
                        params: { type: 'string' },
                      },
                    ]
                    return false
                  }
                  var valid2 = _errs9 === errors
                } else {
                  var valid2 = true
                }
                if (valid2) {
                  if (data3.mode !== undefined) {
                    let data5 = data3.mode
                    const _errs11 = errors
                    if (!(typeof data5 == 'number' && !(data5 % 1) && !isNaN(data5) && isFinite(data5))) {
                      validate10.errors = [
                        {
                          instancePath: instancePath + '/bond/mode',
                          schemaPath: '#/properties/bond/properties/mode/type',
                          keyword: 'type',
                          params: { type: 'integer' },
                        },
                      ]
                      return false
                    }
                    var valid2 = _errs11 === errors
                  } else {
                    var valid2 = true
                  }
                  if (valid2) {
                    if (data3.options !== undefined) {
                      const _errs13 = errors
                      if (typeof data3.options !== 'string') {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/bond/options',
                            schemaPath: '#/properties/bond/properties/options/type',
                            keyword: 'type',
                            params: { type: 'string' },
                          },
                        ]
                        return false
                      }
                      var valid2 = _errs13 === errors
                    } else {
                      var valid2 = true
                    }
                  }
                }
              } else {
                validate10.errors = [
                  {
                    instancePath: instancePath + '/bond',
                    schemaPath: '#/properties/bond/type',
                    keyword: 'type',
                    params: { type: 'object' },
                  },
                ]
                return false
              }
            }
            var valid0 = _errs7 === errors
          } else {
            var valid0 = true
          }
          if (valid0) {
            if (data.mtu !== undefined) {
              let data7 = data.mtu
              const _errs15 = errors
              if (!(typeof data7 == 'number' && !(data7 % 1) && !isNaN(data7) && isFinite(data7))) {
                validate10.errors = [
                  {
                    instancePath: instancePath + '/mtu',
                    schemaPath: '#/properties/mtu/type',
                    keyword: 'type',
                    params: { type: 'integer' },
                  },
                ]
                return false
              }
              var valid0 = _errs15 === errors
            } else {
              var valid0 = true
            }
            if (valid0) {
              if (data.allowNodeNic !== undefined) {
                const _errs17 = errors
                if (typeof data.allowNodeNic !== 'boolean') {
                  validate10.errors = [
                    {
                      instancePath: instancePath + '/allowNodeNic',
                      schemaPath: '#/properties/allowNodeNic/type',
                      keyword: 'type',
                      params: { type: 'boolean' },
                    },
                  ]
                  return false
                }
                var valid0 = _errs17 === errors
              } else {
                var valid0 = true
              }
              if (valid0) {
                if (data.removeUnused !== undefined) {
                  const _errs19 = errors
                  if (typeof data.removeUnused !== 'boolean') {
                    validate10.errors = [
                      {
                        instancePath: instancePath + '/removeUnused',
                        schemaPath: '#/properties/removeUnused/type',
                        keyword: 'type',
                        params: { type: 'boolean' },
                      },
                    ]
                    return false
                  }
                  var valid0 = _errs19 === errors
                } else {
                  var valid0 = true
                }
              }
            }
          }
        }
      }
    } else {
      validate10.errors = [{ instancePath, schemaPath: '#/type', keyword: 'type', params: { type: 'object' } }]
      return false
    }
  }
  validate10.errors = vErrors
  return errors === 0
}
export const keys = {
  interfaces: ['interfaces', 'a list of strings'],
  vlanid: ['vlanID', 'a whole number'],
  bond: [
    'bond',
    'an object',
    { name: ['name', 'a string'], mode: ['mode', 'a whole number'], options: ['options', 'a string'] },
  ],
  mtu: ['mtu', 'a whole number'],
  allownodenic: ['allowNodeNic', 'true or false'],
  removeunused: ['removeUnused', 'true or false'],
}
