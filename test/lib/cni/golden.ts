// What a reference plugin printed, to the letter: static 1.1.1 of containernetworking-plugins,
// CNI_COMMAND=ADD, one conf in three versions.

/**
 * The conf, but for cniVersion: {"ipam":{"type":"static","addresses":[…],"routes":[…],"dns":{…}}}
 * with what is in the results.
 */
export const STATIC: Readonly<Record<string, string>> = {
  '0.2.0': `{
    "cniVersion": "0.2.0",
    "ip4": {
        "ip": "10.7.0.20/16",
        "gateway": "10.7.0.1",
        "routes": [
            {
                "dst": "0.0.0.0/0"
            },
            {
                "dst": "10.9.0.0/16",
                "gw": "10.7.0.9"
            }
        ]
    },
    "ip6": {
        "ip": "2001:db8::14/64",
        "gateway": "2001:db8::1",
        "routes": [
            {
                "dst": "::/0",
                "gw": "2001:db8::1"
            }
        ]
    },
    "dns": {
        "nameservers": [
            "10.7.0.2"
        ],
        "domain": "a\\u0026b",
        "search": [
            "x"
        ]
    }
}`,
  '0.4.0': `{
    "cniVersion": "0.4.0",
    "ips": [
        {
            "version": "4",
            "address": "10.7.0.20/16",
            "gateway": "10.7.0.1"
        },
        {
            "version": "6",
            "address": "2001:db8::14/64",
            "gateway": "2001:db8::1"
        }
    ],
    "routes": [
        {
            "dst": "0.0.0.0/0"
        },
        {
            "dst": "10.9.0.0/16",
            "gw": "10.7.0.9"
        },
        {
            "dst": "::/0",
            "gw": "2001:db8::1"
        }
    ],
    "dns": {
        "nameservers": [
            "10.7.0.2"
        ],
        "domain": "a\\u0026b",
        "search": [
            "x"
        ]
    }
}`,
  '1.0.0': `{
    "cniVersion": "1.0.0",
    "ips": [
        {
            "address": "10.7.0.20/16",
            "gateway": "10.7.0.1"
        },
        {
            "address": "2001:db8::14/64",
            "gateway": "2001:db8::1"
        }
    ],
    "routes": [
        {
            "dst": "0.0.0.0/0"
        },
        {
            "dst": "10.9.0.0/16",
            "gw": "10.7.0.9"
        },
        {
            "dst": "::/0",
            "gw": "2001:db8::1"
        }
    ],
    "dns": {
        "nameservers": [
            "10.7.0.2"
        ],
        "domain": "a\\u0026b",
        "search": [
            "x"
        ]
    }
}`,
}
