// Numbers of the kernel that more than one layer names; C names, with their headers. Imports
// nothing.

/** Routing tables (<linux/rtnetlink.h>, rt_class_t). */
export const RT_TABLE_DEFAULT = 253
export const RT_TABLE_MAIN = 254
export const RT_TABLE_LOCAL = 255

/** Scope of a destination that is reached directly (<linux/rtnetlink.h>, rt_scope_t). */
export const RT_SCOPE_LINK = 253

/** The metric of an IPv6 route made without one (<net/ip6_route.h>, IP6_RT_PRIO_USER). */
export const IP6_RT_PRIO_USER = 1024

/** True for the tables that every network namespace has. */
export const isKernelTable = (table: number): boolean => table >= RT_TABLE_DEFAULT && table <= RT_TABLE_LOCAL
