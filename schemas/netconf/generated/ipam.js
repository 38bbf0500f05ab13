// Made by scripts/generate.ts from schemas/netconf. Not edited.
'use strict'
export const validate = validate10
export default validate10
const schema11 = {
  type: 'object',
  properties: {
    type: { type: 'string' },
    kubeconfig: { type: 'string' },
    ipam_unix_socket_path: { type: 'string' },
    timeouts: {
      type: 'object',
      properties: {
        add: { type: 'integer', minimum: 1, maximum: 3600 },
        del: { type: 'integer', minimum: 1, maximum: 3600 },
        check: { type: 'integer', minimum: 1, maximum: 3600 },
        status: { type: 'integer', minimum: 1, maximum: 3600 },
      },
    },
    owner: { type: 'string', pattern: '^(pod|container)$' },
    log_level: { type: 'string' },
    log_file_path: { type: 'string' },
    log_file_max_size: { type: ['integer', 'string'], pattern: '^-?[0-9]+$' },
    log_file_max_age: { type: ['integer', 'string'], pattern: '^-?[0-9]+$' },
    log_file_max_count: { type: ['integer', 'string'], pattern: '^-?[0-9]+$' },
    default_ipv4_ippool: { type: 'array', items: { type: 'string', pattern: '.' } },
    default_ipv6_ippool: { type: 'array', items: { type: 'string', pattern: '.' } },
    clean_gateway: { type: 'boolean' },
    match_master_subnet: { type: 'boolean' },
    enableIPv4: { type: 'boolean' },
    enableIPv6: { type: 'boolean' },
    enableStatefulSet: { type: 'boolean' },
    enableKubevirtStaticIP: { type: 'boolean' },
    enableSpiderSubnet: { type: 'boolean' },
    enableIPConflictDetection: { type: 'boolean' },
    enableGatewayDetection: { type: 'boolean' },
  },
}
const pattern0 = new RegExp('^(pod|container)$', 'u')
const pattern1 = new RegExp('^-?[0-9]+$', 'u')
const pattern4 = new RegExp('.', 'u')
function validate10(data, { instancePath = '', parentData, parentDataProperty, rootData = data } = {}) {
  let vErrors = null
  let errors = 0
  if (errors === 0) {
    if (data && typeof data == 'object' && !Array.isArray(data)) {
      if (data.type !== undefined) {
        const _errs1 = errors
        if (typeof data.type !== 'string') {
          validate10.errors = [
            {
              instancePath: instancePath + '/type',
              schemaPath: '#/properties/type/type',
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
        if (data.kubeconfig !== undefined) {
          const _errs3 = errors
          if (typeof data.kubeconfig !== 'string') {
            validate10.errors = [
              {
                instancePath: instancePath + '/kubeconfig',
                schemaPath: '#/properties/kubeconfig/type',
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
          if (data.ipam_unix_socket_path !== undefined) {
            const _errs5 = errors
            if (typeof data.ipam_unix_socket_path !== 'string') {
              validate10.errors = [
                {
                  instancePath: instancePath + '/ipam_unix_socket_path',
                  schemaPath: '#/properties/ipam_unix_socket_path/type',
                  keyword: 'type',
                  params: { type: 'string' },
                },
              ]
              return false
            }
            var valid0 = _errs5 === errors
          } else {
            var valid0 = true
          }
          if (valid0) {
            if (data.timeouts !== undefined) {
              let data3 = data.timeouts
              const _errs7 = errors
              if (errors === _errs7) {
                if (data3 && typeof data3 == 'object' && !Array.isArray(data3)) {
                  if (data3.add !== undefined) {
                    let data4 = data3.add
                    const _errs9 = errors
                    if (!(typeof data4 == 'number' && !(data4 % 1) && !isNaN(data4) && isFinite(data4))) {
                      validate10.errors = [
                        {
                          instancePath: instancePath + '/timeouts/add',
                          schemaPath: '#/properties/timeouts/properties/add/type',
                          keyword: 'type',
                          params: { type: 'integer' },
                        },
                      ]
                      return false
                    }
                    if (errors === _errs9) {
                      if (typeof data4 == 'number' && isFinite(data4)) {
                        if (data4 > 3600 || isNaN(data4)) {
                          validate10.errors = [
                            {
                              instancePath: instancePath + '/timeouts/add',
                              schemaPath: '#/properties/timeouts/properties/add/maximum',
                              keyword: 'maximum',
                              params: { comparison: '<=', limit: 3600 },
                            },
                          ]
                          return false
                        } else {
                          if (data4 < 1 || isNaN(data4)) {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/timeouts/add',
                                schemaPath: '#/properties/timeouts/properties/add/minimum',
                                keyword: 'minimum',
                                params: { comparison: '>=', limit: 1 },
                              },
                            ]
                            return false
                          }
                        }
                      }
                    }
                    var valid1 = _errs9 === errors
                  } else {
                    var valid1 = true
                  }
                  if (valid1) {
                    if (data3.del !== undefined) {
                      let data5 = data3.del
                      const _errs11 = errors
                      if (!(typeof data5 == 'number' && !(data5 % 1) && !isNaN(data5) && isFinite(data5))) {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/timeouts/del',
                            schemaPath: '#/properties/timeouts/properties/del/type',
                            keyword: 'type',
                            params: { type: 'integer' },
                          },
                        ]
                        return false
                      }
                      if (errors === _errs11) {
                        if (typeof data5 == 'number' && isFinite(data5)) {
                          if (data5 > 3600 || isNaN(data5)) {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/timeouts/del',
                                schemaPath: '#/properties/timeouts/properties/del/maximum',
                                keyword: 'maximum',
                                params: { comparison: '<=', limit: 3600 },
                              },
                            ]
                            return false
                          } else {
                            if (data5 < 1 || isNaN(data5)) {
                              validate10.errors = [
                                {
                                  instancePath: instancePath + '/timeouts/del',
                                  schemaPath: '#/properties/timeouts/properties/del/minimum',
                                  keyword: 'minimum',
                                  params: { comparison: '>=', limit: 1 },
                                },
                              ]
                              return false
                            }
                          }
                        }
                      }
                      var valid1 = _errs11 === errors
                    } else {
                      var valid1 = true
                    }
                    if (valid1) {
                      if (data3.check !== undefined) {
                        let data6 = data3.check
                        const _errs13 = errors
                        if (!(typeof data6 == 'number' && !(data6 % 1) && !isNaN(data6) && isFinite(data6))) {
                          validate10.errors = [
                            {
                              instancePath: instancePath + '/timeouts/check',
                              schemaPath: '#/properties/timeouts/properties/check/type',
                              keyword: 'type',
                              params: { type: 'integer' },
                            },
                          ]
                          return false
                        }
                        if (errors === _errs13) {
                          if (typeof data6 == 'number' && isFinite(data6)) {
                            if (data6 > 3600 || isNaN(data6)) {
                              validate10.errors = [
                                {
                                  instancePath: instancePath + '/timeouts/check',
                                  schemaPath: '#/properties/timeouts/properties/check/maximum',
                                  keyword: 'maximum',
                                  params: { comparison: '<=', limit: 3600 },
                                },
                              ]
                              return false
                            } else {
                              if (data6 < 1 || isNaN(data6)) {
                                validate10.errors = [
                                  {
                                    instancePath: instancePath + '/timeouts/check',
                                    schemaPath: '#/properties/timeouts/properties/check/minimum',
                                    keyword: 'minimum',
                                    params: { comparison: '>=', limit: 1 },
                                  },
                                ]
                                return false
                              }
                            }
                          }
                        }
                        var valid1 = _errs13 === errors
                      } else {
                        var valid1 = true
                      }
                      if (valid1) {
                        if (data3.status !== undefined) {
                          let data7 = data3.status
                          const _errs15 = errors
                          if (!(typeof data7 == 'number' && !(data7 % 1) && !isNaN(data7) && isFinite(data7))) {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/timeouts/status',
                                schemaPath: '#/properties/timeouts/properties/status/type',
                                keyword: 'type',
                                params: { type: 'integer' },
                              },
                            ]
                            return false
                          }
                          if (errors === _errs15) {
                            if (typeof data7 == 'number' && isFinite(data7)) {
                              if (data7 > 3600 || isNaN(data7)) {
                                validate10.errors = [
                                  {
                                    instancePath: instancePath + '/timeouts/status',
                                    schemaPath: '#/properties/timeouts/properties/status/maximum',
                                    keyword: 'maximum',
                                    params: { comparison: '<=', limit: 3600 },
                                  },
                                ]
                                return false
                              } else {
                                if (data7 < 1 || isNaN(data7)) {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/timeouts/status',
                                      schemaPath: '#/properties/timeouts/properties/status/minimum',
                                      keyword: 'minimum',
                                      params: { comparison: '>=', limit: 1 },
                                    },
                                  ]
                                  return false
                                }
                              }
                            }
                          }
                          var valid1 = _errs15 === errors
                        } else {
                          var valid1 = true
                        }
                      }
                    }
                  }
                } else {
                  validate10.errors = [
                    {
                      instancePath: instancePath + '/timeouts',
                      schemaPath: '#/properties/timeouts/type',
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
              if (data.owner !== undefined) {
                let data8 = data.owner
                const _errs17 = errors
                if (errors === _errs17) {
                  if (typeof data8 === 'string') {
                    if (!pattern0.test(data8)) {
                      validate10.errors = [
                        {
                          instancePath: instancePath + '/owner',
                          schemaPath: '#/properties/owner/pattern',
                          keyword: 'pattern',
                          params: { pattern: '^(pod|container)$' },
                        },
                      ]
                      return false
                    }
                  } else {
                    validate10.errors = [
                      {
                        instancePath: instancePath + '/owner',
                        schemaPath: '#/properties/owner/type',
                        keyword: 'type',
                        params: { type: 'string' },
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
                if (data.log_level !== undefined) {
                  const _errs19 = errors
                  if (typeof data.log_level !== 'string') {
                    validate10.errors = [
                      {
                        instancePath: instancePath + '/log_level',
                        schemaPath: '#/properties/log_level/type',
                        keyword: 'type',
                        params: { type: 'string' },
                      },
                    ]
                    return false
                  }
                  var valid0 = _errs19 === errors
                } else {
                  var valid0 = true
                }
                if (valid0) {
                  if (data.log_file_path !== undefined) {
                    const _errs21 = errors
                    if (typeof data.log_file_path !== 'string') {
                      validate10.errors = [
                        {
                          instancePath: instancePath + '/log_file_path',
                          schemaPath: '#/properties/log_file_path/type',
                          keyword: 'type',
                          params: { type: 'string' },
                        },
                      ]
                      return false
                    }
                    var valid0 = _errs21 === errors
                  } else {
                    var valid0 = true
                  }
                  if (valid0) {
                    if (data.log_file_max_size !== undefined) {
                      let data11 = data.log_file_max_size
                      const _errs23 = errors
                      if (
                        !(typeof data11 == 'number' && !(data11 % 1) && !isNaN(data11) && isFinite(data11)) &&
                        typeof data11 !== 'string'
                      ) {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/log_file_max_size',
                            schemaPath: '#/properties/log_file_max_size/type',
                            keyword: 'type',
                            params: { type: schema11.properties.log_file_max_size.type },
                          },
                        ]
                        return false
                      }
                      if (errors === _errs23) {
                        if (typeof data11 === 'string') {
                          if (!pattern1.test(data11)) {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/log_file_max_size',
                                schemaPath: '#/properties/log_file_max_size/pattern',
                                keyword: 'pattern',
                                params: { pattern: '^-?[0-9]+$' },
                              },
                            ]
                            return false
                          }
                        }
                      }
                      var valid0 = _errs23 === errors
                    } else {
                      var valid0 = true
                    }
                    if (valid0) {
                      if (data.log_file_max_age !== undefined) {
                        let data12 = data.log_file_max_age
                        const _errs25 = errors
                        if (
                          !(typeof data12 == 'number' && !(data12 % 1) && !isNaN(data12) && isFinite(data12)) &&
                          typeof data12 !== 'string'
                        ) {
                          validate10.errors = [
                            {
                              instancePath: instancePath + '/log_file_max_age',
                              schemaPath: '#/properties/log_file_max_age/type',
                              keyword: 'type',
                              params: { type: schema11.properties.log_file_max_age.type },
                            },
                          ]
                          return false
                        }
                        if (errors === _errs25) {
                          if (typeof data12 === 'string') {
                            if (!pattern1.test(data12)) {
                              validate10.errors = [
                                {
                                  instancePath: instancePath + '/log_file_max_age',
                                  schemaPath: '#/properties/log_file_max_age/pattern',
                                  keyword: 'pattern',
                                  params: { pattern: '^-?[0-9]+$' },
                                },
                              ]
                              return false
                            }
                          }
                        }
                        var valid0 = _errs25 === errors
                      } else {
                        var valid0 = true
                      }
                      if (valid0) {
                        if (data.log_file_max_count !== undefined) {
                          let data13 = data.log_file_max_count
                          const _errs27 = errors
                          if (
                            !(typeof data13 == 'number' && !(data13 % 1) && !isNaN(data13) && isFinite(data13)) &&
                            typeof data13 !== 'string'
                          ) {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/log_file_max_count',
                                schemaPath: '#/properties/log_file_max_count/type',
                                keyword: 'type',
                                params: { type: schema11.properties.log_file_max_count.type },
                              },
                            ]
                            return false
                          }
                          if (errors === _errs27) {
                            if (typeof data13 === 'string') {
                              if (!pattern1.test(data13)) {
                                validate10.errors = [
                                  {
                                    instancePath: instancePath + '/log_file_max_count',
                                    schemaPath: '#/properties/log_file_max_count/pattern',
                                    keyword: 'pattern',
                                    params: { pattern: '^-?[0-9]+$' },
                                  },
                                ]
                                return false
                              }
                            }
                          }
                          var valid0 = _errs27 === errors
                        } else {
                          var valid0 = true
                        }
                        if (valid0) {
                          if (data.default_ipv4_ippool !== undefined) {
                            let data14 = data.default_ipv4_ippool
                            const _errs29 = errors
                            if (errors === _errs29) {
                              if (Array.isArray(data14)) {
                                var valid2 = true
                                const len0 = data14.length
                                for (let i0 = 0; i0 < len0; i0++) {
                                  let data15 = data14[i0]
                                  const _errs31 = errors
                                  if (errors === _errs31) {
                                    if (typeof data15 === 'string') {
                                      if (!pattern4.test(data15)) {
                                        validate10.errors = [
                                          {
                                            instancePath: instancePath + '/default_ipv4_ippool/' + i0,
                                            schemaPath: '#/properties/default_ipv4_ippool/items/pattern',
                                            keyword: 'pattern',
                                            params: { pattern: '.' },
                                          },
                                        ]
                                        return false
                                      }
                                    } else {
                                      validate10.errors = [
                                        {
                                          instancePath: instancePath + '/default_ipv4_ippool/' + i0,
                                          schemaPath: '#/properties/default_ipv4_ippool/items/type',
                                          keyword: 'type',
                                          params: { type: 'string' },
                                        },
                                      ]
                                      return false
                                    }
                                  }
                                  var valid2 = _errs31 === errors
                                  if (!valid2) {
                                    break
                                  }
                                }
                              } else {
                                validate10.errors = [
                                  {
                                    instancePath: instancePath + '/default_ipv4_ippool',
                                    schemaPath: '#/properties/default_ipv4_ippool/type',
                                    keyword: 'type',
                                    params: { type: 'array' },
                                  },
                                ]
                                return false
                              }
                            }
                            var valid0 = _errs29 === errors
                          } else {
                            var valid0 = true
                          }
                          if (valid0) {
                            if (data.default_ipv6_ippool !== undefined) {
                              let data16 = data.default_ipv6_ippool
                              const _errs33 = errors
                              if (errors === _errs33) {
                                if (Array.isArray(data16)) {
                                  var valid3 = true
                                  const len1 = data16.length
                                  for (let i1 = 0; i1 < len1; i1++) {
                                    let data17 = data16[i1]
                                    const _errs35 = errors
                                    if (errors === _errs35) {
                                      if (typeof data17 === 'string') {
                                        if (!pattern4.test(data17)) {
                                          validate10.errors = [
                                            {
                                              instancePath: instancePath + '/default_ipv6_ippool/' + i1,
                                              schemaPath: '#/properties/default_ipv6_ippool/items/pattern',
                                              keyword: 'pattern',
                                              params: { pattern: '.' },
                                            },
                                          ]
                                          return false
                                        }
                                      } else {
                                        validate10.errors = [
                                          {
                                            instancePath: instancePath + '/default_ipv6_ippool/' + i1,
                                            schemaPath: '#/properties/default_ipv6_ippool/items/type',
                                            keyword: 'type',
                                            params: { type: 'string' },
                                          },
                                        ]
                                        return false
                                      }
                                    }
                                    var valid3 = _errs35 === errors
                                    if (!valid3) {
                                      break
                                    }
                                  }
                                } else {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/default_ipv6_ippool',
                                      schemaPath: '#/properties/default_ipv6_ippool/type',
                                      keyword: 'type',
                                      params: { type: 'array' },
                                    },
                                  ]
                                  return false
                                }
                              }
                              var valid0 = _errs33 === errors
                            } else {
                              var valid0 = true
                            }
                            if (valid0) {
                              if (data.clean_gateway !== undefined) {
                                const _errs37 = errors
                                if (typeof data.clean_gateway !== 'boolean') {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/clean_gateway',
                                      schemaPath: '#/properties/clean_gateway/type',
                                      keyword: 'type',
                                      params: { type: 'boolean' },
                                    },
                                  ]
                                  return false
                                }
                                var valid0 = _errs37 === errors
                              } else {
                                var valid0 = true
                              }
                              if (valid0) {
                                if (data.match_master_subnet !== undefined) {
                                  const _errs39 = errors
                                  if (typeof data.match_master_subnet !== 'boolean') {
                                    validate10.errors = [
                                      {
                                        instancePath: instancePath + '/match_master_subnet',
                                        schemaPath: '#/properties/match_master_subnet/type',
                                        keyword: 'type',
                                        params: { type: 'boolean' },
                                      },
                                    ]
                                    return false
                                  }
                                  var valid0 = _errs39 === errors
                                } else {
                                  var valid0 = true
                                }
                                if (valid0) {
                                  if (data.enableIPv4 !== undefined) {
                                    const _errs41 = errors
                                    if (typeof data.enableIPv4 !== 'boolean') {
                                      validate10.errors = [
                                        {
                                          instancePath: instancePath + '/enableIPv4',
                                          schemaPath: '#/properties/enableIPv4/type',
                                          keyword: 'type',
                                          params: { type: 'boolean' },
                                        },
                                      ]
                                      return false
                                    }
                                    var valid0 = _errs41 === errors
                                  } else {
                                    var valid0 = true
                                  }
                                  if (valid0) {
                                    if (data.enableIPv6 !== undefined) {
                                      const _errs43 = errors
                                      if (typeof data.enableIPv6 !== 'boolean') {
                                        validate10.errors = [
                                          {
                                            instancePath: instancePath + '/enableIPv6',
                                            schemaPath: '#/properties/enableIPv6/type',
                                            keyword: 'type',
                                            params: { type: 'boolean' },
                                          },
                                        ]
                                        return false
                                      }
                                      var valid0 = _errs43 === errors
                                    } else {
                                      var valid0 = true
                                    }
                                    if (valid0) {
                                      if (data.enableStatefulSet !== undefined) {
                                        const _errs45 = errors
                                        if (typeof data.enableStatefulSet !== 'boolean') {
                                          validate10.errors = [
                                            {
                                              instancePath: instancePath + '/enableStatefulSet',
                                              schemaPath: '#/properties/enableStatefulSet/type',
                                              keyword: 'type',
                                              params: { type: 'boolean' },
                                            },
                                          ]
                                          return false
                                        }
                                        var valid0 = _errs45 === errors
                                      } else {
                                        var valid0 = true
                                      }
                                      if (valid0) {
                                        if (data.enableKubevirtStaticIP !== undefined) {
                                          const _errs47 = errors
                                          if (typeof data.enableKubevirtStaticIP !== 'boolean') {
                                            validate10.errors = [
                                              {
                                                instancePath: instancePath + '/enableKubevirtStaticIP',
                                                schemaPath: '#/properties/enableKubevirtStaticIP/type',
                                                keyword: 'type',
                                                params: { type: 'boolean' },
                                              },
                                            ]
                                            return false
                                          }
                                          var valid0 = _errs47 === errors
                                        } else {
                                          var valid0 = true
                                        }
                                        if (valid0) {
                                          if (data.enableSpiderSubnet !== undefined) {
                                            const _errs49 = errors
                                            if (typeof data.enableSpiderSubnet !== 'boolean') {
                                              validate10.errors = [
                                                {
                                                  instancePath: instancePath + '/enableSpiderSubnet',
                                                  schemaPath: '#/properties/enableSpiderSubnet/type',
                                                  keyword: 'type',
                                                  params: { type: 'boolean' },
                                                },
                                              ]
                                              return false
                                            }
                                            var valid0 = _errs49 === errors
                                          } else {
                                            var valid0 = true
                                          }
                                          if (valid0) {
                                            if (data.enableIPConflictDetection !== undefined) {
                                              const _errs51 = errors
                                              if (typeof data.enableIPConflictDetection !== 'boolean') {
                                                validate10.errors = [
                                                  {
                                                    instancePath: instancePath + '/enableIPConflictDetection',
                                                    schemaPath: '#/properties/enableIPConflictDetection/type',
                                                    keyword: 'type',
                                                    params: { type: 'boolean' },
                                                  },
                                                ]
                                                return false
                                              }
                                              var valid0 = _errs51 === errors
                                            } else {
                                              var valid0 = true
                                            }
                                            if (valid0) {
                                              if (data.enableGatewayDetection !== undefined) {
                                                const _errs53 = errors
                                                if (typeof data.enableGatewayDetection !== 'boolean') {
                                                  validate10.errors = [
                                                    {
                                                      instancePath: instancePath + '/enableGatewayDetection',
                                                      schemaPath: '#/properties/enableGatewayDetection/type',
                                                      keyword: 'type',
                                                      params: { type: 'boolean' },
                                                    },
                                                  ]
                                                  return false
                                                }
                                                var valid0 = _errs53 === errors
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
                            }
                          }
                        }
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
  type: ['type', 'a string'],
  kubeconfig: ['kubeconfig', 'a string'],
  ipam_unix_socket_path: ['ipam_unix_socket_path', 'a string'],
  timeouts: [
    'timeouts',
    'an object',
    {
      add: ['add', 'from 1 to 3600'],
      del: ['del', 'from 1 to 3600'],
      check: ['check', 'from 1 to 3600'],
      status: ['status', 'from 1 to 3600'],
    },
  ],
  owner: ['owner', 'pod or container'],
  log_level: ['log_level', 'a string'],
  log_file_path: ['log_file_path', 'a string'],
  log_file_max_size: ['log_file_max_size', 'a whole number'],
  log_file_max_age: ['log_file_max_age', 'a whole number'],
  log_file_max_count: ['log_file_max_count', 'a whole number'],
  default_ipv4_ippool: ['default_ipv4_ippool', 'a list of SpiderIPPool names'],
  default_ipv6_ippool: ['default_ipv6_ippool', 'a list of SpiderIPPool names'],
  clean_gateway: ['clean_gateway', 'true or false'],
  match_master_subnet: ['match_master_subnet', 'true or false'],
  enableipv4: ['enableIPv4', 'true or false'],
  enableipv6: ['enableIPv6', 'true or false'],
  enablestatefulset: ['enableStatefulSet', 'true or false'],
  enablekubevirtstaticip: ['enableKubevirtStaticIP', 'true or false'],
  enablespidersubnet: ['enableSpiderSubnet', 'true or false'],
  enableipconflictdetection: ['enableIPConflictDetection', 'true or false'],
  enablegatewaydetection: ['enableGatewayDetection', 'true or false'],
}
