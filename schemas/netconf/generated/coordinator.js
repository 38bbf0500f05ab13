// Made by scripts/generate.ts from schemas/netconf. Not edited.
'use strict'
export const validate = validate10
export default validate10
const schema11 = {
  type: 'object',
  properties: {
    mode: { type: 'string' },
    podDefaultCniNic: { type: 'string' },
    podDefaultRouteNic: { type: 'string' },
    overlayPodCIDR: { type: 'array', items: { type: 'string' } },
    serviceCIDR: { type: 'array', items: { type: 'string' } },
    hijackCIDR: { type: 'array', items: { type: 'string' } },
    policyRoutes: {
      type: 'array',
      items: { type: 'object', properties: { dst: { type: 'string' }, gw: { type: 'string' } } },
    },
    tunePodRoutes: { type: 'boolean' },
    hostRuleTable: { type: 'integer' },
    podRPFilter: { type: 'integer' },
    hostRPFilter: { type: 'integer' },
    txQueueLen: { type: 'integer' },
    podMACPrefix: { type: 'string' },
    vethLinkAddress: { type: 'string' },
    vethMTU: { type: 'integer' },
    multusNicPrefix: { type: 'string' },
    detectGateway: { type: 'boolean' },
    detectIPConflict: { type: 'boolean' },
    kubeconfig: { type: 'string' },
    timeouts: {
      type: 'object',
      properties: {
        add: { type: 'integer', minimum: 1, maximum: 3600 },
        check: { type: 'integer', minimum: 1, maximum: 3600 },
        status: { type: 'integer', minimum: 1, maximum: 3600 },
      },
    },
    ipam: { type: 'object', properties: { kubeconfig: { type: 'string' }, ipam_unix_socket_path: { type: 'string' } } },
    runtimeConfig: {
      type: 'object',
      properties: {
        'io.kubernetes.cri.pod-annotations': {
          type: 'object',
          properties: { 'ipam.spidernet.io/default-route-nic': { type: 'string' } },
        },
      },
    },
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
      if (data.mode !== undefined) {
        const _errs1 = errors
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
        var valid0 = _errs1 === errors
      } else {
        var valid0 = true
      }
      if (valid0) {
        if (data.podDefaultCniNic !== undefined) {
          const _errs3 = errors
          if (typeof data.podDefaultCniNic !== 'string') {
            validate10.errors = [
              {
                instancePath: instancePath + '/podDefaultCniNic',
                schemaPath: '#/properties/podDefaultCniNic/type',
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
          if (data.podDefaultRouteNic !== undefined) {
            const _errs5 = errors
            if (typeof data.podDefaultRouteNic !== 'string') {
              validate10.errors = [
                {
                  instancePath: instancePath + '/podDefaultRouteNic',
                  schemaPath: '#/properties/podDefaultRouteNic/type',
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
            if (data.overlayPodCIDR !== undefined) {
              let data3 = data.overlayPodCIDR
              const _errs7 = errors
              if (errors === _errs7) {
                if (Array.isArray(data3)) {
                  var valid1 = true
                  const len0 = data3.length
                  for (let i0 = 0; i0 < len0; i0++) {
                    const _errs9 = errors
                    if (typeof data3[i0] !== 'string') {
                      validate10.errors = [
                        {
                          instancePath: instancePath + '/overlayPodCIDR/' + i0,
                          schemaPath: '#/properties/overlayPodCIDR/items/type',
                          keyword: 'type',
                          params: { type: 'string' },
                        },
                      ]
                      return false
                    }
                    var valid1 = _errs9 === errors
                    if (!valid1) {
                      break
                    }
                  }
                } else {
                  validate10.errors = [
                    {
                      instancePath: instancePath + '/overlayPodCIDR',
                      schemaPath: '#/properties/overlayPodCIDR/type',
                      keyword: 'type',
                      params: { type: 'array' },
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
              if (data.serviceCIDR !== undefined) {
                let data5 = data.serviceCIDR
                const _errs11 = errors
                if (errors === _errs11) {
                  if (Array.isArray(data5)) {
                    var valid2 = true
                    const len1 = data5.length
                    for (let i1 = 0; i1 < len1; i1++) {
                      const _errs13 = errors
                      if (typeof data5[i1] !== 'string') {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/serviceCIDR/' + i1,
                            schemaPath: '#/properties/serviceCIDR/items/type',
                            keyword: 'type',
                            params: { type: 'string' },
                          },
                        ]
                        return false
                      }
                      var valid2 = _errs13 === errors
                      if (!valid2) {
                        break
                      }
                    }
                  } else {
                    validate10.errors = [
                      {
                        instancePath: instancePath + '/serviceCIDR',
                        schemaPath: '#/properties/serviceCIDR/type',
                        keyword: 'type',
                        params: { type: 'array' },
                      },
                    ]
                    return false
                  }
                }
                var valid0 = _errs11 === errors
              } else {
                var valid0 = true
              }
              if (valid0) {
                if (data.hijackCIDR !== undefined) {
                  let data7 = data.hijackCIDR
                  const _errs15 = errors
                  if (errors === _errs15) {
                    if (Array.isArray(data7)) {
                      var valid3 = true
                      const len2 = data7.length
                      for (let i2 = 0; i2 < len2; i2++) {
                        const _errs17 = errors
                        if (typeof data7[i2] !== 'string') {
                          validate10.errors = [
                            {
                              instancePath: instancePath + '/hijackCIDR/' + i2,
                              schemaPath: '#/properties/hijackCIDR/items/type',
                              keyword: 'type',
                              params: { type: 'string' },
                            },
                          ]
                          return false
                        }
                        var valid3 = _errs17 === errors
                        if (!valid3) {
                          break
                        }
                      }
                    } else {
                      validate10.errors = [
                        {
                          instancePath: instancePath + '/hijackCIDR',
                          schemaPath: '#/properties/hijackCIDR/type',
                          keyword: 'type',
                          params: { type: 'array' },
                        },
                      ]
                      return false
                    }
                  }
                  var valid0 = _errs15 === errors
                } else {
                  var valid0 = true
                }
                if (valid0) {
                  if (data.policyRoutes !== undefined) {
                    let data9 = data.policyRoutes
                    const _errs19 = errors
                    if (errors === _errs19) {
                      if (Array.isArray(data9)) {
                        var valid4 = true
                        const len3 = data9.length
                        for (let i3 = 0; i3 < len3; i3++) {
                          let data10 = data9[i3]
                          const _errs21 = errors
                          if (errors === _errs21) {
                            if (data10 && typeof data10 == 'object' && !Array.isArray(data10)) {
                              if (data10.dst !== undefined) {
                                const _errs23 = errors
                                if (typeof data10.dst !== 'string') {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/policyRoutes/' + i3 + '/dst',
                                      schemaPath: '#/properties/policyRoutes/items/properties/dst/type',
                                      keyword: 'type',
                                      params: { type: 'string' },
                                    },
                                  ]
                                  return false
                                }
                                var valid5 = _errs23 === errors
                              } else {
                                var valid5 = true
                              }
                              if (valid5) {
                                if (data10.gw !== undefined) {
                                  const _errs25 = errors
                                  if (typeof data10.gw !== 'string') {
                                    validate10.errors = [
                                      {
                                        instancePath: instancePath + '/policyRoutes/' + i3 + '/gw',
                                        schemaPath: '#/properties/policyRoutes/items/properties/gw/type',
                                        keyword: 'type',
                                        params: { type: 'string' },
                                      },
                                    ]
                                    return false
                                  }
                                  var valid5 = _errs25 === errors
                                } else {
                                  var valid5 = true
                                }
                              }
                            } else {
                              validate10.errors = [
                                {
                                  instancePath: instancePath + '/policyRoutes/' + i3,
                                  schemaPath: '#/properties/policyRoutes/items/type',
                                  keyword: 'type',
                                  params: { type: 'object' },
                                },
                              ]
                              return false
                            }
                          }
                          var valid4 = _errs21 === errors
                          if (!valid4) {
                            break
                          }
                        }
                      } else {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/policyRoutes',
                            schemaPath: '#/properties/policyRoutes/type',
                            keyword: 'type',
                            params: { type: 'array' },
                          },
                        ]
                        return false
                      }
                    }
                    var valid0 = _errs19 === errors
                  } else {
                    var valid0 = true
                  }
                  if (valid0) {
                    if (data.tunePodRoutes !== undefined) {
                      const _errs27 = errors
                      if (typeof data.tunePodRoutes !== 'boolean') {
                        validate10.errors = [
                          {
                            instancePath: instancePath + '/tunePodRoutes',
                            schemaPath: '#/properties/tunePodRoutes/type',
                            keyword: 'type',
                            params: { type: 'boolean' },
                          },
                        ]
                        return false
                      }
                      var valid0 = _errs27 === errors
                    } else {
                      var valid0 = true
                    }
                    if (valid0) {
                      if (data.hostRuleTable !== undefined) {
                        let data14 = data.hostRuleTable
                        const _errs29 = errors
                        if (!(typeof data14 == 'number' && !(data14 % 1) && !isNaN(data14) && isFinite(data14))) {
                          validate10.errors = [
                            {
                              instancePath: instancePath + '/hostRuleTable',
                              schemaPath: '#/properties/hostRuleTable/type',
                              keyword: 'type',
                              params: { type: 'integer' },
                            },
                          ]
                          return false
                        }
                        var valid0 = _errs29 === errors
                      } else {
                        var valid0 = true
                      }
                      if (valid0) {
                        if (data.podRPFilter !== undefined) {
                          let data15 = data.podRPFilter
                          const _errs31 = errors
                          if (!(typeof data15 == 'number' && !(data15 % 1) && !isNaN(data15) && isFinite(data15))) {
                            validate10.errors = [
                              {
                                instancePath: instancePath + '/podRPFilter',
                                schemaPath: '#/properties/podRPFilter/type',
                                keyword: 'type',
                                params: { type: 'integer' },
                              },
                            ]
                            return false
                          }
                          var valid0 = _errs31 === errors
                        } else {
                          var valid0 = true
                        }
                        if (valid0) {
                          if (data.hostRPFilter !== undefined) {
                            let data16 = data.hostRPFilter
                            const _errs33 = errors
                            if (!(typeof data16 == 'number' && !(data16 % 1) && !isNaN(data16) && isFinite(data16))) {
                              validate10.errors = [
                                {
                                  instancePath: instancePath + '/hostRPFilter',
                                  schemaPath: '#/properties/hostRPFilter/type',
                                  keyword: 'type',
                                  params: { type: 'integer' },
                                },
                              ]
                              return false
                            }
                            var valid0 = _errs33 === errors
                          } else {
                            var valid0 = true
                          }
                          if (valid0) {
                            if (data.txQueueLen !== undefined) {
                              let data17 = data.txQueueLen
                              const _errs35 = errors
                              if (!(typeof data17 == 'number' && !(data17 % 1) && !isNaN(data17) && isFinite(data17))) {
                                validate10.errors = [
                                  {
                                    instancePath: instancePath + '/txQueueLen',
                                    schemaPath: '#/properties/txQueueLen/type',
                                    keyword: 'type',
                                    params: { type: 'integer' },
                                  },
                                ]
                                return false
                              }
                              var valid0 = _errs35 === errors
                            } else {
                              var valid0 = true
                            }
                            if (valid0) {
                              if (data.podMACPrefix !== undefined) {
                                const _errs37 = errors
                                if (typeof data.podMACPrefix !== 'string') {
                                  validate10.errors = [
                                    {
                                      instancePath: instancePath + '/podMACPrefix',
                                      schemaPath: '#/properties/podMACPrefix/type',
                                      keyword: 'type',
                                      params: { type: 'string' },
                                    },
                                  ]
                                  return false
                                }
                                var valid0 = _errs37 === errors
                              } else {
                                var valid0 = true
                              }
                              if (valid0) {
                                if (data.vethLinkAddress !== undefined) {
                                  const _errs39 = errors
                                  if (typeof data.vethLinkAddress !== 'string') {
                                    validate10.errors = [
                                      {
                                        instancePath: instancePath + '/vethLinkAddress',
                                        schemaPath: '#/properties/vethLinkAddress/type',
                                        keyword: 'type',
                                        params: { type: 'string' },
                                      },
                                    ]
                                    return false
                                  }
                                  var valid0 = _errs39 === errors
                                } else {
                                  var valid0 = true
                                }
                                if (valid0) {
                                  if (data.vethMTU !== undefined) {
                                    let data20 = data.vethMTU
                                    const _errs41 = errors
                                    if (!(
                                      typeof data20 == 'number' &&
                                      !(data20 % 1) &&
                                      !isNaN(data20) &&
                                      isFinite(data20)
                                    )) {
                                      validate10.errors = [
                                        {
                                          instancePath: instancePath + '/vethMTU',
                                          schemaPath: '#/properties/vethMTU/type',
                                          keyword: 'type',
                                          params: { type: 'integer' },
                                        },
                                      ]
                                      return false
                                    }
                                    var valid0 = _errs41 === errors
                                  } else {
                                    var valid0 = true
                                  }
                                  if (valid0) {
                                    if (data.multusNicPrefix !== undefined) {
                                      const _errs43 = errors
                                      if (typeof data.multusNicPrefix !== 'string') {
                                        validate10.errors = [
                                          {
                                            instancePath: instancePath + '/multusNicPrefix',
                                            schemaPath: '#/properties/multusNicPrefix/type',
                                            keyword: 'type',
                                            params: { type: 'string' },
                                          },
                                        ]
                                        return false
                                      }
                                      var valid0 = _errs43 === errors
                                    } else {
                                      var valid0 = true
                                    }
                                    if (valid0) {
                                      if (data.detectGateway !== undefined) {
                                        const _errs45 = errors
                                        if (typeof data.detectGateway !== 'boolean') {
                                          validate10.errors = [
                                            {
                                              instancePath: instancePath + '/detectGateway',
                                              schemaPath: '#/properties/detectGateway/type',
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
                                        if (data.detectIPConflict !== undefined) {
                                          const _errs47 = errors
                                          if (typeof data.detectIPConflict !== 'boolean') {
                                            validate10.errors = [
                                              {
                                                instancePath: instancePath + '/detectIPConflict',
                                                schemaPath: '#/properties/detectIPConflict/type',
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
                                          if (data.kubeconfig !== undefined) {
                                            const _errs49 = errors
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
                                            var valid0 = _errs49 === errors
                                          } else {
                                            var valid0 = true
                                          }
                                          if (valid0) {
                                            if (data.timeouts !== undefined) {
                                              let data25 = data.timeouts
                                              const _errs51 = errors
                                              if (errors === _errs51) {
                                                if (data25 && typeof data25 == 'object' && !Array.isArray(data25)) {
                                                  if (data25.add !== undefined) {
                                                    let data26 = data25.add
                                                    const _errs53 = errors
                                                    if (!(
                                                      typeof data26 == 'number' &&
                                                      !(data26 % 1) &&
                                                      !isNaN(data26) &&
                                                      isFinite(data26)
                                                    )) {
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
                                                    if (errors === _errs53) {
                                                      if (typeof data26 == 'number' && isFinite(data26)) {
                                                        if (data26 > 3600 || isNaN(data26)) {
                                                          validate10.errors = [
                                                            {
                                                              instancePath: instancePath + '/timeouts/add',
                                                              schemaPath:
                                                                '#/properties/timeouts/properties/add/maximum',
                                                              keyword: 'maximum',
                                                              params: { comparison: '<=', limit: 3600 },
                                                            },
                                                          ]
                                                          return false
                                                        } else {
                                                          if (data26 < 1 || isNaN(data26)) {
                                                            validate10.errors = [
                                                              {
                                                                instancePath: instancePath + '/timeouts/add',
                                                                schemaPath:
                                                                  '#/properties/timeouts/properties/add/minimum',
                                                                keyword: 'minimum',
                                                                params: { comparison: '>=', limit: 1 },
                                                              },
                                                            ]
                                                            return false
                                                          }
                                                        }
                                                      }
                                                    }
                                                    var valid6 = _errs53 === errors
                                                  } else {
                                                    var valid6 = true
                                                  }
                                                  if (valid6) {
                                                    if (data25.check !== undefined) {
                                                      let data27 = data25.check
                                                      const _errs55 = errors
                                                      if (!(
                                                        typeof data27 == 'number' &&
                                                        !(data27 % 1) &&
                                                        !isNaN(data27) &&
                                                        isFinite(data27)
                                                      )) {
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
                                                      if (errors === _errs55) {
                                                        if (typeof data27 == 'number' && isFinite(data27)) {
                                                          if (data27 > 3600 || isNaN(data27)) {
                                                            validate10.errors = [
                                                              {
                                                                instancePath: instancePath + '/timeouts/check',
                                                                schemaPath:
                                                                  '#/properties/timeouts/properties/check/maximum',
                                                                keyword: 'maximum',
                                                                params: { comparison: '<=', limit: 3600 },
                                                              },
                                                            ]
                                                            return false
                                                          } else {
                                                            if (data27 < 1 || isNaN(data27)) {
                                                              validate10.errors = [
                                                                {
                                                                  instancePath: instancePath + '/timeouts/check',
                                                                  schemaPath:
                                                                    '#/properties/timeouts/properties/check/minimum',
                                                                  keyword: 'minimum',
                                                                  params: { comparison: '>=', limit: 1 },
                                                                },
                                                              ]
                                                              return false
                                                            }
                                                          }
                                                        }
                                                      }
                                                      var valid6 = _errs55 === errors
                                                    } else {
                                                      var valid6 = true
                                                    }
                                                    if (valid6) {
                                                      if (data25.status !== undefined) {
                                                        let data28 = data25.status
                                                        const _errs57 = errors
                                                        if (!(
                                                          typeof data28 == 'number' &&
                                                          !(data28 % 1) &&
                                                          !isNaN(data28) &&
                                                          isFinite(data28)
                                                        )) {
                                                          validate10.errors = [
                                                            {
                                                              instancePath: instancePath + '/timeouts/status',
                                                              schemaPath:
                                                                '#/properties/timeouts/properties/status/type',
                                                              keyword: 'type',
                                                              params: { type: 'integer' },
                                                            },
                                                          ]
                                                          return false
                                                        }
                                                        if (errors === _errs57) {
                                                          if (typeof data28 == 'number' && isFinite(data28)) {
                                                            if (data28 > 3600 || isNaN(data28)) {
                                                              validate10.errors = [
                                                                {
                                                                  instancePath: instancePath + '/timeouts/status',
                                                                  schemaPath:
                                                                    '#/properties/timeouts/properties/status/maximum',
                                                                  keyword: 'maximum',
                                                                  params: { comparison: '<=', limit: 3600 },
                                                                },
                                                              ]
                                                              return false
                                                            } else {
                                                              if (data28 < 1 || isNaN(data28)) {
                                                                validate10.errors = [
                                                                  {
                                                                    instancePath: instancePath + '/timeouts/status',
                                                                    schemaPath:
                                                                      '#/properties/timeouts/properties/status/minimum',
                                                                    keyword: 'minimum',
                                                                    params: { comparison: '>=', limit: 1 },
                                                                  },
                                                                ]
                                                                return false
                                                              }
                                                            }
                                                          }
                                                        }
                                                        var valid6 = _errs57 === errors
                                                      } else {
                                                        var valid6 = true
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
                                              var valid0 = _errs51 === errors
                                            } else {
                                              var valid0 = true
                                            }
                                            if (valid0) {
                                              if (data.ipam !== undefined) {
                                                let data29 = data.ipam
                                                const _errs59 = errors
                                                if (errors === _errs59) {
                                                  if (data29 && typeof data29 == 'object' && !Array.isArray(data29)) {
                                                    if (data29.kubeconfig !== undefined) {
                                                      const _errs61 = errors
                                                      if (typeof data29.kubeconfig !== 'string') {
                                                        validate10.errors = [
                                                          {
                                                            instancePath: instancePath + '/ipam/kubeconfig',
                                                            schemaPath: '#/properties/ipam/properties/kubeconfig/type',
                                                            keyword: 'type',
                                                            params: { type: 'string' },
                                                          },
                                                        ]
                                                        return false
                                                      }
                                                      var valid7 = _errs61 === errors
                                                    } else {
                                                      var valid7 = true
                                                    }
                                                    if (valid7) {
                                                      if (data29.ipam_unix_socket_path !== undefined) {
                                                        const _errs63 = errors
                                                        if (typeof data29.ipam_unix_socket_path !== 'string') {
                                                          validate10.errors = [
                                                            {
                                                              instancePath:
                                                                instancePath + '/ipam/ipam_unix_socket_path',
                                                              schemaPath:
                                                                '#/properties/ipam/properties/ipam_unix_socket_path/type',
                                                              keyword: 'type',
                                                              params: { type: 'string' },
                                                            },
                                                          ]
                                                          return false
                                                        }
                                                        var valid7 = _errs63 === errors
                                                      } else {
                                                        var valid7 = true
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
                                                var valid0 = _errs59 === errors
                                              } else {
                                                var valid0 = true
                                              }
                                              if (valid0) {
                                                if (data.runtimeConfig !== undefined) {
                                                  let data32 = data.runtimeConfig
                                                  const _errs65 = errors
                                                  if (errors === _errs65) {
                                                    if (data32 && typeof data32 == 'object' && !Array.isArray(data32)) {
                                                      if (data32['io.kubernetes.cri.pod-annotations'] !== undefined) {
                                                        let data33 = data32['io.kubernetes.cri.pod-annotations']
                                                        const _errs67 = errors
                                                        if (errors === _errs67) {
                                                          if (
                                                            data33 &&
                                                            typeof data33 == 'object' &&
                                                            !Array.isArray(data33)
                                                          ) {
                                                            if (
                                                              data33['ipam.spidernet.io/default-route-nic'] !==
                                                              undefined
                                                            ) {
                                                              if (
                                                                typeof data33['ipam.spidernet.io/default-route-nic'] !==
                                                                'string'
                                                              ) {
                                                                validate10.errors = [
                                                                  {
                                                                    instancePath:
                                                                      instancePath +
                                                                      '/runtimeConfig/io.kubernetes.cri.pod-annotations/ipam.spidernet.io~1default-route-nic',
                                                                    schemaPath:
                                                                      '#/properties/runtimeConfig/properties/io.kubernetes.cri.pod-annotations/properties/ipam.spidernet.io~1default-route-nic/type',
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
                                                                instancePath:
                                                                  instancePath +
                                                                  '/runtimeConfig/io.kubernetes.cri.pod-annotations',
                                                                schemaPath:
                                                                  '#/properties/runtimeConfig/properties/io.kubernetes.cri.pod-annotations/type',
                                                                keyword: 'type',
                                                                params: { type: 'object' },
                                                              },
                                                            ]
                                                            return false
                                                          }
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
                                                  var valid0 = _errs65 === errors
                                                } else {
                                                  var valid0 = true
                                                }
                                                if (valid0) {
                                                  if (data.logOptions !== undefined) {
                                                    let data35 = data.logOptions
                                                    const _errs71 = errors
                                                    if (errors === _errs71) {
                                                      if (
                                                        data35 &&
                                                        typeof data35 == 'object' &&
                                                        !Array.isArray(data35)
                                                      ) {
                                                        if (data35.logLevel !== undefined) {
                                                          const _errs73 = errors
                                                          if (typeof data35.logLevel !== 'string') {
                                                            validate10.errors = [
                                                              {
                                                                instancePath: instancePath + '/logOptions/logLevel',
                                                                schemaPath:
                                                                  '#/properties/logOptions/properties/logLevel/type',
                                                                keyword: 'type',
                                                                params: { type: 'string' },
                                                              },
                                                            ]
                                                            return false
                                                          }
                                                          var valid10 = _errs73 === errors
                                                        } else {
                                                          var valid10 = true
                                                        }
                                                        if (valid10) {
                                                          if (data35.logFile !== undefined) {
                                                            const _errs75 = errors
                                                            if (typeof data35.logFile !== 'string') {
                                                              validate10.errors = [
                                                                {
                                                                  instancePath: instancePath + '/logOptions/logFile',
                                                                  schemaPath:
                                                                    '#/properties/logOptions/properties/logFile/type',
                                                                  keyword: 'type',
                                                                  params: { type: 'string' },
                                                                },
                                                              ]
                                                              return false
                                                            }
                                                            var valid10 = _errs75 === errors
                                                          } else {
                                                            var valid10 = true
                                                          }
                                                          if (valid10) {
                                                            if (data35.logMaxSize !== undefined) {
                                                              let data38 = data35.logMaxSize
                                                              const _errs77 = errors
                                                              if (
                                                                !(
                                                                  typeof data38 == 'number' &&
                                                                  !(data38 % 1) &&
                                                                  !isNaN(data38) &&
                                                                  isFinite(data38)
                                                                ) &&
                                                                typeof data38 !== 'string'
                                                              ) {
                                                                validate10.errors = [
                                                                  {
                                                                    instancePath:
                                                                      instancePath + '/logOptions/logMaxSize',
                                                                    schemaPath:
                                                                      '#/properties/logOptions/properties/logMaxSize/type',
                                                                    keyword: 'type',
                                                                    params: {
                                                                      type: schema11.properties.logOptions.properties
                                                                        .logMaxSize.type,
                                                                    },
                                                                  },
                                                                ]
                                                                return false
                                                              }
                                                              if (errors === _errs77) {
                                                                if (typeof data38 === 'string') {
                                                                  if (!pattern0.test(data38)) {
                                                                    validate10.errors = [
                                                                      {
                                                                        instancePath:
                                                                          instancePath + '/logOptions/logMaxSize',
                                                                        schemaPath:
                                                                          '#/properties/logOptions/properties/logMaxSize/pattern',
                                                                        keyword: 'pattern',
                                                                        params: { pattern: '^-?[0-9]+$' },
                                                                      },
                                                                    ]
                                                                    return false
                                                                  }
                                                                }
                                                              }
                                                              var valid10 = _errs77 === errors
                                                            } else {
                                                              var valid10 = true
                                                            }
                                                            if (valid10) {
                                                              if (data35.logMaxAge !== undefined) {
                                                                let data39 = data35.logMaxAge
                                                                const _errs79 = errors
                                                                if (
                                                                  !(
                                                                    typeof data39 == 'number' &&
                                                                    !(data39 % 1) &&
                                                                    !isNaN(data39) &&
                                                                    isFinite(data39)
                                                                  ) &&
                                                                  typeof data39 !== 'string'
                                                                ) {
                                                                  validate10.errors = [
                                                                    {
                                                                      instancePath:
                                                                        instancePath + '/logOptions/logMaxAge',
                                                                      schemaPath:
                                                                        '#/properties/logOptions/properties/logMaxAge/type',
                                                                      keyword: 'type',
                                                                      params: {
                                                                        type: schema11.properties.logOptions.properties
                                                                          .logMaxAge.type,
                                                                      },
                                                                    },
                                                                  ]
                                                                  return false
                                                                }
                                                                if (errors === _errs79) {
                                                                  if (typeof data39 === 'string') {
                                                                    if (!pattern0.test(data39)) {
                                                                      validate10.errors = [
                                                                        {
                                                                          instancePath:
                                                                            instancePath + '/logOptions/logMaxAge',
                                                                          schemaPath:
                                                                            '#/properties/logOptions/properties/logMaxAge/pattern',
                                                                          keyword: 'pattern',
                                                                          params: { pattern: '^-?[0-9]+$' },
                                                                        },
                                                                      ]
                                                                      return false
                                                                    }
                                                                  }
                                                                }
                                                                var valid10 = _errs79 === errors
                                                              } else {
                                                                var valid10 = true
                                                              }
                                                              if (valid10) {
                                                                if (data35.logMaxCount !== undefined) {
                                                                  let data40 = data35.logMaxCount
                                                                  const _errs81 = errors
                                                                  if (
                                                                    !(
                                                                      typeof data40 == 'number' &&
                                                                      !(data40 % 1) &&
                                                                      !isNaN(data40) &&
                                                                      isFinite(data40)
                                                                    ) &&
                                                                    typeof data40 !== 'string'
                                                                  ) {
                                                                    validate10.errors = [
                                                                      {
                                                                        instancePath:
                                                                          instancePath + '/logOptions/logMaxCount',
                                                                        schemaPath:
                                                                          '#/properties/logOptions/properties/logMaxCount/type',
                                                                        keyword: 'type',
                                                                        params: {
                                                                          type: schema11.properties.logOptions
                                                                            .properties.logMaxCount.type,
                                                                        },
                                                                      },
                                                                    ]
                                                                    return false
                                                                  }
                                                                  if (errors === _errs81) {
                                                                    if (typeof data40 === 'string') {
                                                                      if (!pattern0.test(data40)) {
                                                                        validate10.errors = [
                                                                          {
                                                                            instancePath:
                                                                              instancePath + '/logOptions/logMaxCount',
                                                                            schemaPath:
                                                                              '#/properties/logOptions/properties/logMaxCount/pattern',
                                                                            keyword: 'pattern',
                                                                            params: { pattern: '^-?[0-9]+$' },
                                                                          },
                                                                        ]
                                                                        return false
                                                                      }
                                                                    }
                                                                  }
                                                                  var valid10 = _errs81 === errors
                                                                } else {
                                                                  var valid10 = true
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
                                                    var valid0 = _errs71 === errors
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
  mode: ['mode', 'a string'],
  poddefaultcninic: ['podDefaultCniNic', 'a string'],
  poddefaultroutenic: ['podDefaultRouteNic', 'a string'],
  overlaypodcidr: ['overlayPodCIDR', 'a list of strings'],
  servicecidr: ['serviceCIDR', 'a list of strings'],
  hijackcidr: ['hijackCIDR', 'a list of strings'],
  policyroutes: ['policyRoutes', 'a list of objects', { dst: ['dst', 'a string'], gw: ['gw', 'a string'] }],
  tunepodroutes: ['tunePodRoutes', 'true or false'],
  hostruletable: ['hostRuleTable', 'a whole number'],
  podrpfilter: ['podRPFilter', 'a whole number'],
  hostrpfilter: ['hostRPFilter', 'a whole number'],
  txqueuelen: ['txQueueLen', 'a whole number'],
  podmacprefix: ['podMACPrefix', 'a string'],
  vethlinkaddress: ['vethLinkAddress', 'a string'],
  vethmtu: ['vethMTU', 'a whole number'],
  multusnicprefix: ['multusNicPrefix', 'a string'],
  detectgateway: ['detectGateway', 'true or false'],
  detectipconflict: ['detectIPConflict', 'true or false'],
  kubeconfig: ['kubeconfig', 'a string'],
  timeouts: [
    'timeouts',
    'an object',
    { add: ['add', 'from 1 to 3600'], check: ['check', 'from 1 to 3600'], status: ['status', 'from 1 to 3600'] },
  ],
  ipam: [
    'ipam',
    'an object',
    { kubeconfig: ['kubeconfig', 'a string'], ipam_unix_socket_path: ['ipam_unix_socket_path', 'a string'] },
  ],
  runtimeconfig: [
    'runtimeConfig',
    'an object',
    {
      'io.kubernetes.cri.pod-annotations': [
        'io.kubernetes.cri.pod-annotations',
        'an object',
        { 'ipam.spidernet.io/default-route-nic': ['ipam.spidernet.io/default-route-nic', 'a string'] },
      ],
    },
  ],
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
