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
    logOptions: {
      type: 'object',
      properties: {
        logLevel: { type: 'string' },
        logFile: { type: 'string' },
        logMaxSize: { type: ['integer', 'string'], pattern: '^-?[0-9]+$' },
        logMaxAge: { type: ['integer', 'string'], pattern: '^-?[0-9]+$' },
        logMaxCount: { type: ['integer', 'string'], pattern: '^-?[0-9]+$' },
      },
    },
  },
}
const pattern0 = new RegExp('^-?[0-9]+$', 'u')
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
                if (valid0) {
                  if (data.logOptions !== undefined) {
                    let data10 = data.logOptions
                    const _errs21 = errors
                    if (errors === _errs21) {
                      if (data10 && typeof data10 == 'object' && !Array.isArray(data10)) {
                        if (data10.logLevel !== undefined) {
                          const _errs23 = errors
                          if (typeof data10.logLevel !== 'string') {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/logOptions/logLevel',
                                schemaPath: '#/properties/logOptions/properties/logLevel/type',
                                keyword: 'type',
                                params: { type: 'string' },
                              },
                            ]
                            return false
                          }
                          var valid3 = _errs23 === errors
                        } else {
                          var valid3 = true
                        }
                        if (valid3) {
                          if (data10.logFile !== undefined) {
                            const _errs25 = errors
                            if (typeof data10.logFile !== 'string') {
                              validate10.errors = [
                                {
                                  instancePath: instancePath + '/logOptions/logFile',
                                  schemaPath: '#/properties/logOptions/properties/logFile/type',
                                  keyword: 'type',
                                  params: { type: 'string' },
                                },
                              ]
                              return false
                            }
                            var valid3 = _errs25 === errors
                          } else {
                            var valid3 = true
                          }
                          if (valid3) {
                            if (data10.logMaxSize !== undefined) {
                              let data13 = data10.logMaxSize
                              const _errs27 = errors
                              if (
                                !(typeof data13 == 'number' && !(data13 % 1) && !isNaN(data13) && isFinite(data13)) &&
                                typeof data13 !== 'string'
                              ) {
                                validate10.errors = [
                                  {
                                    instancePath: instancePath + '/logOptions/logMaxSize',
                                    schemaPath: '#/properties/logOptions/properties/logMaxSize/type',
                                    keyword: 'type',
                                    params: { type: schema11.properties.logOptions.properties.logMaxSize.type },
                                  },
                                ]
                                return false
                              }
                              if (errors === _errs27) {
                                if (typeof data13 === 'string') {
                                  if (!pattern0.test(data13)) {
                                    validate10.errors = [
                                      {
                                        instancePath: instancePath + '/logOptions/logMaxSize',
                                        schemaPath: '#/properties/logOptions/properties/logMaxSize/pattern',
                                        keyword: 'pattern',
                                        params: { pattern: '^-?[0-9]+$' },
                                      },
                                    ]
                                    return false
                                  }
                                }
                              }
                              var valid3 = _errs27 === errors
                            } else {
                              var valid3 = true
                            }
                            if (valid3) {
                              if (data10.logMaxAge !== undefined) {
                                let data14 = data10.logMaxAge
                                const _errs29 = errors
                                if (
                                  !(typeof data14 == 'number' && !(data14 % 1) && !isNaN(data14) && isFinite(data14)) &&
                                  typeof data14 !== 'string'
                                ) {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/logOptions/logMaxAge',
                                      schemaPath: '#/properties/logOptions/properties/logMaxAge/type',
                                      keyword: 'type',
                                      params: { type: schema11.properties.logOptions.properties.logMaxAge.type },
                                    },
                                  ]
                                  return false
                                }
                                if (errors === _errs29) {
                                  if (typeof data14 === 'string') {
                                    if (!pattern0.test(data14)) {
                                      validate10.errors = [
                                        {
                                          instancePath: instancePath + '/logOptions/logMaxAge',
                                          schemaPath: '#/properties/logOptions/properties/logMaxAge/pattern',
                                          keyword: 'pattern',
                                          params: { pattern: '^-?[0-9]+$' },
                                        },
                                      ]
                                      return false
                                    }
                                  }
                                }
                                var valid3 = _errs29 === errors
                              } else {
                                var valid3 = true
                              }
                              if (valid3) {
                                if (data10.logMaxCount !== undefined) {
                                  let data15 = data10.logMaxCount
                                  const _errs31 = errors
                                  if (
                                    !(
                                      typeof data15 == 'number' &&
                                      !(data15 % 1) &&
                                      !isNaN(data15) &&
                                      isFinite(data15)
                                    ) &&
                                    typeof data15 !== 'string'
                                  ) {
                                    validate10.errors = [
                                      {
                                        instancePath: instancePath + '/logOptions/logMaxCount',
                                        schemaPath: '#/properties/logOptions/properties/logMaxCount/type',
                                        keyword: 'type',
                                        params: { type: schema11.properties.logOptions.properties.logMaxCount.type },
                                      },
                                    ]
                                    return false
                                  }
                                  if (errors === _errs31) {
                                    if (typeof data15 === 'string') {
                                      if (!pattern0.test(data15)) {
                                        validate10.errors = [
                                          {
                                            instancePath: instancePath + '/logOptions/logMaxCount',
                                            schemaPath: '#/properties/logOptions/properties/logMaxCount/pattern',
                                            keyword: 'pattern',
                                            params: { pattern: '^-?[0-9]+$' },
                                          },
                                        ]
                                        return false
                                      }
                                    }
                                  }
                                  var valid3 = _errs31 === errors
                                } else {
                                  var valid3 = true
                                }
                              }
                            }
                          }
                        }
                      } else {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/logOptions',
                            schemaPath: '#/properties/logOptions/type',
                            keyword: 'type',
                            params: { type: 'object' },
                          },
                        ]
                        return false
                      }
                    }
                    var valid0 = _errs21 === errors
                  } else {
                    var valid0 = true
                  }
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
  logoptions: [
    'logOptions',
    'an object',
    {
      loglevel: ['logLevel', 'a string'],
      logfile: ['logFile', 'a string'],
      logmaxsize: ['logMaxSize', 'a whole number'],
      logmaxage: ['logMaxAge', 'a whole number'],
      logmaxcount: ['logMaxCount', 'a whole number'],
    },
  ],
}
