// Made by scripts/generate.ts from schemas/netconf. Not edited.
'use strict'
export const validate = validate10
export default validate10
const schema11 = {
  type: 'object',
  properties: {
    master: { type: 'string' },
    mode: { type: 'string' },
    mtu: { type: 'integer' },
    mac: { type: 'string' },
    linkInContainer: { type: 'boolean' },
    bcqueuelen: { type: 'integer', minimum: 0, maximum: 4294967295 },
    ipam: { type: 'object', properties: { type: { type: 'string' } } },
    runtimeConfig: { type: 'object', properties: { mac: { type: 'string' } } },
    dns: {
      type: 'object',
      properties: {
        nameservers: { type: 'array', items: { type: 'string' } },
        domain: { type: 'string' },
        search: { type: 'array', items: { type: 'string' } },
        options: { type: 'array', items: { type: 'string' } },
      },
    },
  },
}
function validate10(data, { instancePath = '', parentData, parentDataProperty, rootData = data } = {}) {
  let vErrors = null
  let errors = 0
  if (errors === 0) {
    if (data && typeof data == 'object' && !Array.isArray(data)) {
      if (data.master !== undefined) {
        const _errs1 = errors
        if (typeof data.master !== 'string') {
          validate10.errors = [
            {
              instancePath: instancePath + '/master',
              schemaPath: '#/properties/master/type',
              keyword: 'type',
              params: { type: 'string' },
            },
          ]
          return false
        }
        var valid0 = _errs1 === errors
      } else {
        var valid0 = true
      }
      if (valid0) {
        if (data.mode !== undefined) {
          const _errs3 = errors
          if (typeof data.mode !== 'string') {
            validate10.errors = [
              {
                instancePath: instancePath + '/mode',
                schemaPath: '#/properties/mode/type',
                keyword: 'type',
                params: { type: 'string' },
              },
            ]
            return false
          }
          var valid0 = _errs3 === errors
        } else {
          var valid0 = true
        }
        if (valid0) {
          if (data.mtu !== undefined) {
            let data2 = data.mtu
            const _errs5 = errors
            if (!(typeof data2 == 'number' && !(data2 % 1) && !isNaN(data2) && isFinite(data2))) {
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
            var valid0 = _errs5 === errors
          } else {
            var valid0 = true
          }
          if (valid0) {
            if (data.mac !== undefined) {
              const _errs7 = errors
              if (typeof data.mac !== 'string') {
                validate10.errors = [
                  {
                    instancePath: instancePath + '/mac',
                    schemaPath: '#/properties/mac/type',
                    keyword: 'type',
                    params: { type: 'string' },
                  },
                ]
                return false
              }
              var valid0 = _errs7 === errors
            } else {
              var valid0 = true
            }
            if (valid0) {
              if (data.linkInContainer !== undefined) {
                const _errs9 = errors
                if (typeof data.linkInContainer !== 'boolean') {
                  validate10.errors = [
                    {
                      instancePath: instancePath + '/linkInContainer',
                      schemaPath: '#/properties/linkInContainer/type',
                      keyword: 'type',
                      params: { type: 'boolean' },
                    },
                  ]
                  return false
                }
                var valid0 = _errs9 === errors
              } else {
                var valid0 = true
              }
              if (valid0) {
                if (data.bcqueuelen !== undefined) {
                  let data5 = data.bcqueuelen
                  const _errs11 = errors
                  if (!(typeof data5 == 'number' && !(data5 % 1) && !isNaN(data5) && isFinite(data5))) {
                    validate10.errors = [
                      {
                        instancePath: instancePath + '/bcqueuelen',
                        schemaPath: '#/properties/bcqueuelen/type',
                        keyword: 'type',
                        params: { type: 'integer' },
                      },
                    ]
                    return false
                  }
                  if (errors === _errs11) {
                    if (typeof data5 == 'number' && isFinite(data5)) {
                      if (data5 > 4294967295 || isNaN(data5)) {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/bcqueuelen',
                            schemaPath: '#/properties/bcqueuelen/maximum',
                            keyword: 'maximum',
                            params: { comparison: '<=', limit: 4294967295 },
                          },
                        ]
                        return false
                      } else {
                        if (data5 < 0 || isNaN(data5)) {
                          validate10.errors = [
                            {
                              instancePath: instancePath + '/bcqueuelen',
                              schemaPath: '#/properties/bcqueuelen/minimum',
                              keyword: 'minimum',
                              params: { comparison: '>=', limit: 0 },
                            },
                          ]
                          return false
                        }
                      }
                    }
                  }
                  var valid0 = _errs11 === errors
                } else {
                  var valid0 = true
                }
                if (valid0) {
                  if (data.ipam !== undefined) {
                    let data6 = data.ipam
                    const _errs13 = errors
                    if (errors === _errs13) {
                      if (data6 && typeof data6 == 'object' && !Array.isArray(data6)) {
                        if (data6.type !== undefined) {
                          if (typeof data6.type !== 'string') {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/ipam/type',
                                schemaPath: '#/properties/ipam/properties/type/type',
                                keyword: 'type',
                                params: { type: 'string' },
                              },
                            ]
                            return false
                          }
                        }
                      } else {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/ipam',
                            schemaPath: '#/properties/ipam/type',
                            keyword: 'type',
                            params: { type: 'object' },
                          },
                        ]
                        return false
                      }
                    }
                    var valid0 = _errs13 === errors
                  } else {
                    var valid0 = true
                  }
                  if (valid0) {
                    if (data.runtimeConfig !== undefined) {
                      let data8 = data.runtimeConfig
                      const _errs17 = errors
                      if (errors === _errs17) {
                        if (data8 && typeof data8 == 'object' && !Array.isArray(data8)) {
                          if (data8.mac !== undefined) {
                            if (typeof data8.mac !== 'string') {
                              validate10.errors = [
                                {
                                  instancePath: instancePath + '/runtimeConfig/mac',
                                  schemaPath: '#/properties/runtimeConfig/properties/mac/type',
                                  keyword: 'type',
                                  params: { type: 'string' },
                                },
                              ]
                              return false
                            }
                          }
                        } else {
                          validate10.errors = [
                            {
                              instancePath: instancePath + '/runtimeConfig',
                              schemaPath: '#/properties/runtimeConfig/type',
                              keyword: 'type',
                              params: { type: 'object' },
                            },
                          ]
                          return false
                        }
                      }
                      var valid0 = _errs17 === errors
                    } else {
                      var valid0 = true
                    }
                    if (valid0) {
                      if (data.dns !== undefined) {
                        let data10 = data.dns
                        const _errs21 = errors
                        if (errors === _errs21) {
                          if (data10 && typeof data10 == 'object' && !Array.isArray(data10)) {
                            if (data10.nameservers !== undefined) {
                              let data11 = data10.nameservers
                              const _errs23 = errors
                              if (errors === _errs23) {
                                if (Array.isArray(data11)) {
                                  var valid4 = true
                                  const len0 = data11.length
                                  for (let i0 = 0; i0 < len0; i0++) {
                                    const _errs25 = errors
                                    if (typeof data11[i0] !== 'string') {
                                      validate10.errors = [
                                        {
                                          instancePath: instancePath + '/dns/nameservers/' + i0,
                                          schemaPath: '#/properties/dns/properties/nameservers/items/type',
                                          keyword: 'type',
                                          params: { type: 'string' },
                                        },
                                      ]
                                      return false
                                    }
                                    var valid4 = _errs25 === errors
                                    if (!valid4) {
                                      break
                                    }
                                  }
                                } else {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/dns/nameservers',
                                      schemaPath: '#/properties/dns/properties/nameservers/type',
                                      keyword: 'type',
                                      params: { type: 'array' },
                                    },
                                  ]
                                  return false
                                }
                              }
                              var valid3 = _errs23 === errors
                            } else {
                              var valid3 = true
                            }
                            if (valid3) {
                              if (data10.domain !== undefined) {
                                const _errs27 = errors
                                if (typeof data10.domain !== 'string') {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/dns/domain',
                                      schemaPath: '#/properties/dns/properties/domain/type',
                                      keyword: 'type',
                                      params: { type: 'string' },
                                    },
                                  ]
                                  return false
                                }
                                var valid3 = _errs27 === errors
                              } else {
                                var valid3 = true
                              }
                              if (valid3) {
                                if (data10.search !== undefined) {
                                  let data14 = data10.search
                                  const _errs29 = errors
                                  if (errors === _errs29) {
                                    if (Array.isArray(data14)) {
                                      var valid5 = true
                                      const len1 = data14.length
                                      for (let i1 = 0; i1 < len1; i1++) {
                                        const _errs31 = errors
                                        if (typeof data14[i1] !== 'string') {
                                          validate10.errors = [
                                            {
                                              instancePath: instancePath + '/dns/search/' + i1,
                                              schemaPath: '#/properties/dns/properties/search/items/type',
                                              keyword: 'type',
                                              params: { type: 'string' },
                                            },
                                          ]
                                          return false
                                        }
                                        var valid5 = _errs31 === errors
                                        if (!valid5) {
                                          break
                                        }
                                      }
                                    } else {
                                      validate10.errors = [
                                        {
                                          instancePath: instancePath + '/dns/search',
                                          schemaPath: '#/properties/dns/properties/search/type',
                                          keyword: 'type',
                                          params: { type: 'array' },
                                        },
                                      ]
                                      return false
                                    }
                                  }
                                  var valid3 = _errs29 === errors
                                } else {
                                  var valid3 = true
                                }
                                if (valid3) {
                                  if (data10.options !== undefined) {
                                    let data16 = data10.options
                                    const _errs33 = errors
                                    if (errors === _errs33) {
                                      if (Array.isArray(data16)) {
                                        var valid6 = true
                                        const len2 = data16.length
                                        for (let i2 = 0; i2 < len2; i2++) {
                                          const _errs35 = errors
                                          if (typeof data16[i2] !== 'string') {
                                            validate10.errors = [
                                              {
                                                instancePath: instancePath + '/dns/options/' + i2,
                                                schemaPath: '#/properties/dns/properties/options/items/type',
                                                keyword: 'type',
                                                params: { type: 'string' },
                                              },
                                            ]
                                            return false
                                          }
                                          var valid6 = _errs35 === errors
                                          if (!valid6) {
                                            break
                                          }
                                        }
                                      } else {
                                        validate10.errors = [
                                          {
                                            instancePath: instancePath + '/dns/options',
                                            schemaPath: '#/properties/dns/properties/options/type',
                                            keyword: 'type',
                                            params: { type: 'array' },
                                          },
                                        ]
                                        return false
                                      }
                                    }
                                    var valid3 = _errs33 === errors
                                  } else {
                                    var valid3 = true
                                  }
                                }
                              }
                            }
                          } else {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/dns',
                                schemaPath: '#/properties/dns/type',
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
  master: ['master', 'a string'],
  mode: ['mode', 'a string'],
  mtu: ['mtu', 'a whole number'],
  mac: ['mac', 'a string'],
  linkincontainer: ['linkInContainer', 'true or false'],
  bcqueuelen: ['bcqueuelen', 'from 0 to 4294967295'],
  ipam: ['ipam', 'an object', { type: ['type', 'a string'] }],
  runtimeconfig: ['runtimeConfig', 'an object', { mac: ['mac', 'a string'] }],
  dns: [
    'dns',
    'an object',
    {
      nameservers: ['nameservers', 'a list of strings'],
      domain: ['domain', 'a string'],
      search: ['search', 'a list of strings'],
      options: ['options', 'a list of strings'],
    },
  ],
}
